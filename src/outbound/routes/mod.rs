//! Which key goes to which origin and path.

mod invalid_routes;
mod origin;
mod route;
mod table;

pub use self::invalid_routes::InvalidRoutes;
pub use self::origin::{InvalidOrigin, Origin};
pub use self::route::Route;
pub(crate) use self::table::{Index, Table};
