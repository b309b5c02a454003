//! Which key goes to which origin and path.

mod origin;
mod route;
mod table;

pub use self::origin::Origin;
pub use self::route::Route;
pub(crate) use self::table::{Index, Lookup, Table};
