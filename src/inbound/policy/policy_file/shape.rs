//! The fields of a policy file, as serde reads them. Any other field is an error.

use serde::Deserialize;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) version: u32,
    #[serde(default)]
    pub(super) unlisted: Unlisted,
    #[serde(default)]
    pub(super) route: Vec<Route>,
}

/// The requirement of a route without an entry.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unlisted {
    #[default]
    Required,
    Deny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) methods: Vec<String>,
    pub(super) path: Option<String>,
    pub(super) template: Option<String>,
    pub(super) access: Access,
    pub(super) all_of: Option<Vec<String>>,
    pub(super) any_of: Option<Vec<String>>,
    pub(super) roles: Option<Vec<String>>,
    pub(super) clients: Option<Vec<String>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Access {
    Public,
    Optional,
    OptionalLenient,
    Required,
    Deny,
}
