//! The limit of open files. Each connection needs one, and each request to the upstream another.

/// Files that the program needs besides.
const OTHERS: u64 = 128;

/// Raises the limit to what the system allows, as a server should, and returns it. Returns `None`
/// where there is none.
#[cfg(unix)]
pub(crate) fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    // Some systems allow less than they say. Then the limit stays.
    let _unchanged = setrlimit(Resource::Nofile, all);
    getrlimit(Resource::Nofile).current
}

#[cfg(not(unix))]
pub(crate) const fn raise() -> Option<u64> {
    None
}

/// Returns how many connections and requests of those wanted fit into a limit of open files.
pub(crate) fn fit(connections: usize, requests: usize, limit: Option<u64>) -> (usize, usize) {
    let limit = limit.unwrap_or(u64::MAX).saturating_sub(OTHERS);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if connections.saturating_add(requests) <= limit {
        return (connections, requests);
    }
    let half = (limit / 2).max(1);
    (connections.min(half), requests.min(half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_fit_into_the_open_files() {
        assert_eq!(fit(4096, 4096, None), (4096, 4096));
        assert_eq!(fit(4096, 4096, Some(1 << 20)), (4096, 4096));
        assert_eq!(fit(4096, 4096, Some(1024)), (448, 448));
        assert_eq!(fit(100, 4096, Some(1024)), (100, 448));
        assert_eq!(fit(4096, 4096, Some(10)), (1, 1));
    }
}
