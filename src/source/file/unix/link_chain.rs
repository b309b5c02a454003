//! Determines which directories to watch for a path.
//!
//! The file itself is not watched: a watch follows the inode, and gets no events when another file
//! takes the name. Instead, every directory is watched that holds a link of the path or the file.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

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

/// Returns the directories to watch for an absolute path, without links in their own paths. If the
/// path does not exist, the last one is its nearest ancestor that does.
pub(crate) fn directories(path: &Path, entry: impl Fn(&Path) -> Entry) -> BTreeSet<PathBuf> {
    let mut watched = BTreeSet::new();
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
        let next = at.join(name);
        match entry(&next) {
            Entry::Directory if !way.is_empty() => at = next,
            Entry::Link(to) if links < MOST_LINKS => {
                links += 1;
                watched.insert(at.clone());
                push(&mut way, &to);
            }
            _ => break,
        }
    }
    watched.insert(at);
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
            directories(Path::new(path), |path| {
                self.0.get(path).cloned().unwrap_or(Entry::Missing)
            })
            .into_iter()
            .map(|path| path.display().to_string())
            .collect()
        }
    }

    #[test]
    fn plain_file_watches_its_directory() {
        let disk = Disk::new(&[], &["/run/keys/openai"]);
        assert_eq!(disk.watched("/run/keys/openai"), ["/run/keys"]);
        assert_eq!(disk.watched("/run/./keys/../keys/openai"), ["/run/keys"]);
    }

    #[test]
    fn kubernetes_volume_watches_both_directories() {
        let disk = Disk::new(
            &[("/mnt/key", "..data/key"), ("/mnt/..data", "..2026_1")],
            &["/mnt/..2026_1/key"],
        );
        for path in ["/mnt/key", "/mnt/..data/key"] {
            assert_eq!(disk.watched(path), ["/mnt", "/mnt/..2026_1"]);
        }
    }

    #[test]
    fn linked_ancestors_have_their_directory_watched() {
        let disk = Disk::new(
            &[
                ("/app/current", "/releases/7"),
                ("/releases/7/keys", "../shared"),
            ],
            &["/releases/shared/openai"],
        );
        assert_eq!(
            disk.watched("/app/current/keys/openai"),
            ["/app", "/releases/7", "/releases/shared"]
        );
    }

    #[test]
    fn missing_path_watches_nearest_ancestor() {
        let disk = Disk::new(&[("/run/link", "/var/none/key")], &["/run/keys/other"]);
        assert_eq!(disk.watched("/run/keys/openai"), ["/run/keys"]);
        assert_eq!(disk.watched("/run/none/deep/openai"), ["/run"]);
        assert_eq!(disk.watched("/run/link"), ["/", "/run"]);
        assert_eq!(disk.watched("/none"), ["/"]);
    }

    #[test]
    fn path_ends_at_a_file_or_directory() {
        let disk = Disk::new(&[], &["/run/file", "/run/keys/openai"]);
        assert_eq!(disk.watched("/run/file/openai"), ["/run"]);
        assert_eq!(disk.watched("/run/keys"), ["/run"]);
        assert_eq!(disk.watched("/"), ["/"]);
    }

    #[test]
    fn link_cycle_ends() {
        let disk = Disk::new(&[("/run/a", "b"), ("/run/b", "a")], &[]);
        assert_eq!(disk.watched("/run/a"), ["/run"]);
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
        fn watched_directories_agree_with_the_kernel(tree in tree(), start in "[0-9](/[0-9]){0,2}") {
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
            let watched = directories(&path, entry);
            for directory in &watched {
                prop_assert_eq!(directory, &directory.canonicalize().unwrap());
            }
            if let Some(file) = path.canonicalize().ok().filter(|file| file.is_file()) {
                prop_assert!(watched.contains(file.parent().unwrap()), "{:?} for {:?}", watched, file);
            }
        }
    }
}
