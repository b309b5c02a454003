//! The memory and the time that it takes to read a key file.

use std::fmt::Write as _;

use tower_rotating_auth::inbound::{KeyDigest, KeySet};

use crate::measure::timed;

const MIB: u64 = 1024 * 1024;

/// Returns a file of so many keys, as a key ring writes it, for so many clients.
fn text(keys: usize, clients: usize) -> String {
    let mut text = "version = 1\nserial = 1\n\n".to_owned();
    for n in 0..clients {
        writeln!(
            text,
            "[[client]]\nid = \"client-{n}\"\nscopes = [\"chat:write\"]\n"
        )
        .unwrap();
    }
    for n in 0..keys {
        let digest = KeyDigest::of(format!("key number {n}").as_bytes()).to_text();
        writeln!(
            text,
            "[[key]]\nid = \"{n:012}\"\nclient = \"client-{}\"\ndigest = \"{digest}\"\n\
             created_at = \"2026-11-21T00:00:00Z\"\nnot_after = \"2027-02-21T00:00:00Z\"\n",
            n % clients
        )
        .unwrap();
    }
    text
}

pub(crate) fn run(keys: usize) {
    for clients in [keys, (keys / 1_000).max(1)] {
        let text = text(keys, clients);
        let length = u64::try_from(text.len()).unwrap();
        let mut read = None;
        let measured = allocation_counter::measure(|| {
            read = Some(timed(|| KeySet::from_toml(&text).unwrap()));
        });
        let (set, time) = read.unwrap();
        assert_eq!(set.len(), keys);
        let peak = length + measured.bytes_max;
        println!(
            "a key file of {keys} keys of {clients} clients: {} MiB of text, read in {:.0} ms, {} MiB at most",
            length / MIB,
            time.as_secs_f64() * 1e3,
            peak / MIB,
        );
        let most = 1_024 * MIB * u64::try_from(keys).unwrap() / 1_000_000;
        assert!(peak <= most.max(MIB), "{peak} bytes at most");
    }
}
