//! Versions of packages in this build.

/// The lock file of the workspace.
const LOCK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock"));

/// Returns the version of a package that starts with `series`.
pub(crate) fn version_of(package: &str, series: &str) -> Option<&'static str> {
    let name = format!("name = \"{package}\"");
    let mut lines = LOCK.lines();
    while lines.by_ref().any(|line| line == name) {
        let version = lines.next()?.strip_prefix("version = \"")?;
        let version = version.trim_end_matches('"');
        if version.starts_with(series) {
            return Some(version);
        }
    }
    None
}
