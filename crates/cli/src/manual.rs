//! Completions for shells, and manual pages.

use std::path::PathBuf;
use std::{fs, io};

use clap::Command;
use clap_complete::Shell;

use crate::error::Error;
use crate::output;

const NAME: &str = "rotating-auth";

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rotating-auth completions bash >/etc/bash_completion.d/rotating-auth
  rotating-auth completions zsh >/usr/local/share/zsh/site-functions/_rotating-auth
  rotating-auth completions fish >~/.config/fish/completions/rotating-auth.fish")]
pub(crate) struct CompletionArgs {
    /// Shell to complete commands for.
    shell: Shell,
}

/// Print the manual page.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rotating-auth man | man -l -
  rotating-auth man --out /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write a page for each command into this folder, and print none.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub(crate) fn completions(args: &CompletionArgs, mut program: Command) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, NAME, &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end())
}

pub(crate) fn man(args: ManArgs, program: Command) -> Result<(), Error> {
    let Some(folder) = args.out else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(program).render(&mut page);
        rendered.map_err(|error| Error::failed(format!("cannot write the page: {error}")))?;
        return output::print(String::from_utf8_lossy(&page).trim_end());
    };
    let failed = |error: io::Error| Error::failed(format!("cannot write to {folder:?}: {error}"));
    fs::create_dir_all(&folder).map_err(failed)?;
    clap_mangen::generate_to(program, &folder).map_err(failed)
}
