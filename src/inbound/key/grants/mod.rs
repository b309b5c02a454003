//! The rights of a key: its scopes and roles, a part of those of its client.

mod role;
mod role_table;

pub use self::role::Role;
pub(crate) use self::role_table::{Grants, RoleTable};
