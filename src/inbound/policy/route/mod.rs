//! Which entry of the policies is for a request.

mod entry;
mod matched;
mod preflight;
mod table;
mod template;

pub(crate) use self::entry::Place;
pub use self::entry::PolicyEntry;
pub(crate) use self::matched::matched_template;
pub(crate) use self::preflight::is_preflight;
pub(crate) use self::table::Table;
pub(crate) use self::template::Template;
