//! Determines which names to watch for a path.
//!
//! The file itself is not watched: a watch follows the inode, and gets no events when another file
//! takes the name. Instead, every folder is watched that holds a link of the path or the file.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::events::Names;

/// The most links that are followed, which is also the kernel's limit.
const MOST_LINKS: u32 = 40;

/// What is at a path, without following links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Directory,
    Link(PathBuf),
    /// A file, or anything else that ends the path.
    Other,
    Missing,
}

/// Looks a path up in the file system. What cannot be looked up counts as missing.
pub(crate) fn entry(path: &Path) -> Entry {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Entry::Directory,
        Ok(found) if found.is_symlink() => fs::read_link(path).map_or(Entry::Missing, Entry::Link),
        Ok(_) => Entry::Other,
        Err(_) => Entry::Missing,
    }
}

/// Returns the names to watch for an absolute path, by folders that have no links in their own
/// paths. If the path does not exist, the last name is the first one that is missing.
pub(crate) fn names(path: &Path, entry: impl Fn(&Path) -> Entry) -> Names {
    let mut watched = Names::new();
    let mut at = PathBuf::from("/");
    let mut way = Vec::new();
    push(&mut way, path);
    let mut links = 0;
    while let Some(step) = way.pop() {
        let name = match step {
            Step::Root => {
                at = PathBuf::from("/");
                continue;
            }
            Step::Up => {
                at.pop();
                continue;
            }
            Step::Into(name) => name,
        };
        let next = at.join(&name);
        match entry(&next) {
            Entry::Directory if !way.is_empty() => at = next,
            Entry::Link(to) if links < MOST_LINKS => {
                links += 1;
                watched.entry(at.clone()).or_default().insert(name);
                push(&mut way, &to);
            }
            _ => {
                watched.entry(at).or_default().insert(name);
                return watched;
            }
        }
    }
    watched
}

enum Step {
    Root,
    Up,
    Into(OsString),
}

/// Puts the steps of a path before the remaining ones.
fn push(way: &mut Vec<Step>, path: &Path) {
    way.extend(
        path.components()
            .rev()
            .filter_map(|component| match component {
                Component::RootDir => Some(Step::Root),
                Component::ParentDir => Some(Step::Up),
                Component::Normal(name) => Some(Step::Into(name.to_owned())),
                Component::CurDir | Component::Prefix(_) => None,
            }),
    );
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// A file system of links and files, by absolute path. Their directories are created.
    struct Disk(HashMap<PathBuf, Entry>);

    impl Disk {
        fn new(links: &[(&str, &str)], files: &[&str]) -> Self {
            let mut disk = HashMap::new();
            for (link, to) in links {
                disk.insert(PathBuf::from(link), Entry::Link(PathBuf::from(to)));
            }
            for file in files {
                disk.insert(PathBuf::from(file), Entry::Other);
            }
            let paths: Vec<_> = disk.keys().cloned().collect();
            for directory in paths.iter().flat_map(|path| path.ancestors().skip(1)) {
                disk.entry(directory.to_owned()).or_insert(Entry::Directory);
            }
            Self(disk)
        }

        fn watched(&self, path: &str) -> Vec<String> {
            let names = names(Path::new(path), |path| {
                self.0.get(path).cloned().unwrap_or(Entry::Missing)
            });
            let paths = names
                .iter()
                .flat_map(|(folder, names)| names.iter().map(|name| folder.join(name)));
            let mut paths: Vec<_> = paths.map(|path| path.display().to_string()).collect();
            paths.sort();
            paths
        }
    }

    #[test]
    fn plain_file_is_watched_in_its_folder() {
        let disk = Disk::new(&[], &["/run/keys/openai"]);
        assert_eq!(disk.watched("/run/keys/openai"), ["/run/keys/openai"]);
        let around = "/run/./keys/../keys/openai";
        assert_eq!(disk.watched(around), ["/run/keys/openai"]);
    }

    #[test]
    fn kubernetes_volume_is_watched_in_both_folders() {
        let disk = Disk::new(
            &[("/mnt/key", "..data/key"), ("/mnt/..data", "..2026_1")],
            &["/mnt/..2026_1/key"],
        );
        assert_eq!(
            disk.watched("/mnt/key"),
            ["/mnt/..2026_1/key", "/mnt/..data", "/mnt/key"]
        );
        assert_eq!(
            disk.watched("/mnt/..data/key"),
            ["/mnt/..2026_1/key", "/mnt/..data"]
        );
    }

    #[test]
    fn linked_ancestors_are_watched() {
        let disk = Disk::new(
            &[
                ("/app/current", "/releases/7"),
                ("/releases/7/keys", "../shared"),
            ],
            &["/releases/shared/openai"],
        );
        assert_eq!(
            disk.watched("/app/current/keys/openai"),
            [
                "/app/current",
                "/releases/7/keys",
                "/releases/shared/openai"
            ]
        );
    }

    #[test]
    fn missing_path_watches_its_first_missing_name() {
        let disk = Disk::new(&[("/run/link", "/var/none/key")], &["/run/keys/other"]);
        assert_eq!(disk.watched("/run/keys/openai"), ["/run/keys/openai"]);
        assert_eq!(disk.watched("/run/none/deep/openai"), ["/run/none"]);
        assert_eq!(disk.watched("/run/link"), ["/run/link", "/var"]);
        assert_eq!(disk.watched("/none"), ["/none"]);
    }

    #[test]
    fn path_ends_at_a_file_or_folder() {
        let disk = Disk::new(&[], &["/run/file", "/run/keys/openai"]);
        assert_eq!(disk.watched("/run/file/openai"), ["/run/file"]);
        assert_eq!(disk.watched("/run/keys"), ["/run/keys"]);
        assert!(disk.watched("/").is_empty());
    }

    #[test]
    fn link_cycle_ends() {
        let disk = Disk::new(&[("/run/a", "b"), ("/run/b", "a")], &[]);
        assert_eq!(disk.watched("/run/a"), ["/run/a", "/run/b"]);
    }

    /// Ten names in one directory: each is a file, a directory with a file, or a link.
    fn tree() -> impl Strategy<Value = Vec<Option<String>>> {
        let step = prop_oneof![
            (0..10_u8).prop_map(|name| name.to_string()),
            Just("..".to_owned()),
            Just(".".to_owned()),
        ];
        let link = prop::collection::vec(step, 1..4).prop_map(|steps| steps.join("/"));
        prop::collection::vec(prop::option::of(link), 10)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn watched_names_agree_with_the_kernel(tree in tree(), start in "[0-9](/[0-9]){0,2}") {
            let root = tempfile::tempdir().unwrap();
            let root = root.path().canonicalize().unwrap();
            for (name, link) in tree.iter().enumerate() {
                let at = root.join(name.to_string());
                match link {
                    Some(to) => std::os::unix::fs::symlink(to, at).unwrap(),
                    None if name % 2 == 0 => {
                        fs::create_dir(&at).unwrap();
                        fs::write(at.join("0"), "").unwrap();
                    }
                    None => fs::write(at, "").unwrap(),
                }
            }
            let path = root.join(start);
            let watched = names(&path, entry);
            for folder in watched.keys() {
                prop_assert_eq!(folder, &folder.canonicalize().unwrap());
            }
            if let Some(file) = path.canonicalize().ok().filter(|file| file.is_file()) {
                let names = watched.get(file.parent().unwrap());
                let is_watched = names.is_some_and(|names| names.contains(file.file_name().unwrap()));
                prop_assert!(is_watched, "{:?} for {:?}", watched, file);
            }
        }
    }
}
