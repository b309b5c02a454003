//! The JSON schema of the configuration file.

use serde_json::{Map, Value, json};

use super::fields::{Field, Fields, Kind};

/// The types of a source of a key.
const SOURCES: [&str; 6] = ["env", "exec", "file", "http", "oauth2", "vault"];

/// Returns the schema, as editors read it.
pub(crate) fn schema() -> Value {
    let file = Fields::of_file();
    let mut properties = properties(&file);
    let one = properties.remove("upstream");
    let many = json!({ "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/upstream" } });
    let one_or_many = json!({ "anyOf": [one, many] });
    properties.insert("upstream".to_owned(), one_or_many);

    let mut of_upstream = self::properties(&Fields::of_upstream());
    if let Some(key) = of_upstream.get_mut("key") {
        *key = json!({ "anyOf": [key.clone(), { "$ref": "#/$defs/source" }] });
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of rotating-auth gateway",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "$defs": {
            "upstream": {
                "type": "object",
                "additionalProperties": false,
                "required": ["url"],
                "properties": of_upstream,
            },
            "source": {
                "description": "Where a key comes from: a source of tower-rotating-auth.",
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": { "enum": SOURCES },
                },
            },
        },
    })
}

fn properties(fields: &Fields) -> Map<String, Value> {
    let all = fields.iter();
    all.map(|field| (field.name.clone(), property(field)))
        .collect()
}

fn property(field: &Field) -> Value {
    let help = field.help();
    let first = help.lines().next().unwrap_or_default();
    let mut property = match field.kind {
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::List => json!({
            "anyOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "string" }],
        }),
        Kind::Number => json!({ "type": ["number", "string"] }),
        Kind::Text => json!({ "type": "string" }),
    };
    property["description"] = first.into();
    if let Some(default) = field.default() {
        property["default"] = match field.kind {
            Kind::Switch => false.into(),
            Kind::Number => default
                .parse::<u64>()
                .map_or_else(|_| default.into(), Value::from),
            Kind::List | Kind::Text => default.into(),
        };
    }
    property
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::config::document::Document;

    #[test]
    fn sources_of_the_schema_are_all_there_are() {
        let text = "[[upstream]]\nkey = { type = \"other\" }";
        let error = Document::parse(text).unwrap_err().to_string();
        let mut known: Vec<_> = error.split('`').skip(1).step_by(2).collect();
        known.sort_unstable();
        assert_eq!(known, SOURCES, "{error}");
    }
}
