//! A map whose copies share what they have in common.

mod map;
#[cfg(test)]
mod tests;

pub(crate) use self::map::Shards;
