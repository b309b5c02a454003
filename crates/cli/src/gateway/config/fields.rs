//! The fields of a configuration file. Each is an option of the gateway: one definition, with its
//! help, default, type and parser.

use std::any::TypeId;
use std::ffi::OsString;
use std::time::Duration;

use clap::{Arg, ArgAction, Args as _, Command};
use toml::de::DeValue;

use crate::gateway::args::GatewayArgs;
use crate::gateway::upstream::UpstreamArgs;

/// The fields of the file, or of one table.
pub(crate) struct Fields {
    command: Command,
    all: Vec<Field>,
}

/// A field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// The option without its dashes.
    pub(crate) option: String,
    pub(crate) kind: Kind,
    arg: Arg,
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Switch,
    /// Any number of texts.
    List,
    /// A number, or text with a unit.
    Number,
    Text,
}

/// Options that make no sense in the file.
const ON_THE_COMMAND_LINE: [&str; 3] = ["config", "help", "version"];

impl Fields {
    /// Returns the fields of the file.
    pub(crate) fn of_file() -> Self {
        Self::new(GatewayArgs::augment_args(command()), str::to_owned)
    }

    /// Returns the fields of a table `[[upstream]]`: the options about the upstream, without that
    /// word. No environment variable sets them.
    pub(crate) fn of_upstream() -> Self {
        let command = UpstreamArgs::augment_args(command());
        let command = command.mut_args(|arg| arg.env(None::<&'static str>));
        Self::new(command, |name| match name.strip_prefix("upstream_") {
            Some(rest) => rest.to_owned(),
            None => "url".to_owned(),
        })
    }

    fn new(mut command: Command, name: impl Fn(&str) -> String) -> Self {
        command.build();
        let all = command
            .get_arguments()
            .filter_map(|arg| {
                let option = arg.get_long()?;
                let is_field = !ON_THE_COMMAND_LINE.contains(&option) && !arg.is_hide_set();
                is_field.then(|| Field {
                    name: name(&option.replace('-', "_")),
                    option: option.to_owned(),
                    kind: Kind::of(arg),
                    arg: arg.clone(),
                })
            })
            .collect();
        Self { command, all }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.all.iter()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Field> {
        self.all.iter().find(|field| field.name == name)
    }

    /// Returns a message about options as one about the fields that stand for them.
    pub(crate) fn in_file(&self, message: &str) -> String {
        let mut fields: Vec<_> = self.all.iter().collect();
        // An option may begin like a shorter one.
        fields.sort_by_key(|field| std::cmp::Reverse(field.option.len()));
        fields.iter().fold(message.to_owned(), |message, field| {
            let (option, name) = (format!("--{}", field.option), &field.name);
            let set = match field.kind {
                Kind::Switch => format!("set {name} = true"),
                _ => format!("set {name}"),
            };
            message
                .replace(&format!("pass {option}"), &set)
                .replace(&option, name)
        })
    }

    pub(crate) const fn command(&self) -> &Command {
        &self.command
    }

    /// Returns the field that a misspelled name resembles most, if any.
    pub(crate) fn nearest(&self, name: &str) -> Option<&str> {
        let names = self.all.iter().map(|field| &*field.name);
        names
            .map(|known| (strsim::levenshtein(name, known), known))
            .filter(|(distance, known)| *distance <= known.len() / 3)
            .min()
            .map(|(_, known)| known)
    }
}

fn command() -> Command {
    Command::new("gateway")
        .no_binary_name(true)
        .disable_help_flag(true)
}

impl Field {
    /// Returns the arguments of a command line that mean the same as a value, or what the value
    /// must be.
    pub(crate) fn arguments(&self, value: &DeValue<'_>) -> Result<Vec<OsString>, &'static str> {
        let one = |text: &str| format!("--{}={text}", self.option).into();
        match (self.kind, value) {
            (Kind::Switch, DeValue::Boolean(true)) => Ok(vec![format!("--{}", self.option).into()]),
            (Kind::Switch, DeValue::Boolean(false)) => Ok(Vec::new()),
            (Kind::Switch, _) => Err("must be true or false"),
            (_, DeValue::String(text)) => Ok(vec![one(text)]),
            (Kind::Number, DeValue::Integer(number)) => Ok(vec![one(&number.to_string())]),
            (Kind::Number, DeValue::Float(number)) => Ok(vec![one(number.as_str())]),
            (Kind::Number, _) => Err("must be a number, or text with a number and a unit"),
            (Kind::List, DeValue::Array(items)) => items
                .iter()
                .map(|item| item.get_ref().as_str().map(one))
                .collect::<Option<_>>()
                .ok_or("must be a list of texts in quotes"),
            (Kind::List, _) => Err("must be a list of texts in quotes"),
            (Kind::Text, _) => Err("must be text in quotes"),
        }
    }

    /// Returns the help of the option, without what an option alone needs to know.
    pub(crate) fn help(&self) -> String {
        let help = self.arg.get_long_help().or_else(|| self.arg.get_help());
        help.map(ToString::to_string).unwrap_or_default()
    }

    pub(crate) fn heading(&self) -> Option<&str> {
        self.arg.get_help_heading()
    }

    pub(crate) fn variable(&self) -> Option<&str> {
        self.arg.get_env()?.to_str()
    }

    pub(crate) fn default(&self) -> Option<&str> {
        match self.kind {
            Kind::Switch => Some("false"),
            _ => self.arg.get_default_values().first()?.to_str(),
        }
    }

    /// Returns the word that stands for the value in help.
    pub(crate) fn placeholder(&self) -> &str {
        let names = self.arg.get_value_names();
        names.and_then(<[_]>::first).map_or("VALUE", |name| name)
    }
}

impl Kind {
    fn of(arg: &Arg) -> Self {
        let of_value = arg.get_value_parser().type_id();
        let numbers = [
            TypeId::of::<Duration>(),
            TypeId::of::<f64>(),
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<usize>(),
        ];
        match arg.get_action() {
            ArgAction::SetTrue => Self::Switch,
            ArgAction::Append => Self::List,
            _ if numbers.iter().any(|number| of_value == *number) => Self::Number,
            _ => Self::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_is_a_field() {
        let file = Fields::of_file();
        for (name, kind) in [
            ("listen", Kind::Text),
            ("max_requests", Kind::Number),
            ("poll_interval", Kind::Number),
            ("replay_size", Kind::Number),
            ("strict_headers", Kind::Switch),
            ("public", Kind::List),
            ("upstream_key", Kind::Text),
        ] {
            assert_eq!(file.get(name).map(|field| field.kind), Some(kind), "{name}");
        }
        assert!(file.get("config").is_none());
        let upstream = Fields::of_upstream();
        for name in ["url", "key", "key_file", "header", "cleartext", "ca"] {
            let field = upstream.get(name).expect(name);
            assert_eq!(field.variable(), None, "{name}");
        }
    }

    #[test]
    fn message_about_options_names_fields() {
        let fields = Fields::of_upstream();
        for (message, wanted) in [
            (
                "use https://, or pass --upstream-cleartext",
                "use https://, or set cleartext = true",
            ),
            (
                "pass --upstream-key-file PATH or --upstream-key SOURCE",
                "set key_file PATH or key SOURCE",
            ),
            ("--upstream: not a URL", "url: not a URL"),
        ] {
            assert_eq!(fields.in_file(message), wanted);
        }
    }

    #[test]
    fn misspelled_field_resembles_another() {
        let fields = Fields::of_file();
        assert_eq!(fields.nearest("max_request"), Some("max_requests"));
        assert_eq!(fields.nearest("client-keys"), Some("client_keys"));
        assert_eq!(fields.nearest("colour"), None);
    }
}
