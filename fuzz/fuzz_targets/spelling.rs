//! Fuzzes paths before real routers: a closed path is closed in every spelling.
#![no_main]

use std::cell::LazyCell;

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/inbound_policy/closed.rs"]
mod closed;
#[path = "../../tests/it/inbound_policy/law.rs"]
mod law;
#[path = "../../tests/it/inbound_policy/model.rs"]
mod model;

thread_local! {
    static ROUTERS: LazyCell<Vec<(&'static str, closed::Service)>> = LazyCell::new(closed::routers);
}

fuzz_target!(|path: &[u8]| {
    ROUTERS.with(|routers| closed::assert_closed(routers, path));
});
