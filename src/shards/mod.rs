//! A map that is cheap to clone and to change.

mod map;
#[cfg(test)]
mod tests;

pub(crate) use self::map::Shards;
