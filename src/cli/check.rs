use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The root of a checkout, or any directory with configuration.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) directory: PathBuf,
    /// Compare with what this branch, tag or commit has in common: only what the change breaks fails, and what it changes for
    /// each address is shown.
    #[arg(long, value_name = "REF")]
    pub(crate) against: Option<String>,
    /// Check this commit instead of the files as they lie there.
    #[arg(long, value_name = "REF")]
    pub(crate) commit: Option<String>,
    /// How the findings are told.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) format: CheckFormat,
    /// One JSON document; the same as --format json.
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Warnings fail, too.
    #[arg(long)]
    pub(crate) deny_warnings: bool,
    /// A folder with files NAME.schema.json that count beside those of the repository.
    #[arg(long, value_name = "DIR")]
    pub(crate) schema: Option<PathBuf>,
    /// The settings file of the server: search paths, keys, limits, what is accepted; variables count, too
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// For whom findings are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people, as a compiler does.
    Text,
    /// Annotations of a workflow of GitHub.
    Github,
    /// A code quality report of GitLab.
    Gitlab,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// The comment of a pull request.
    Markdown,
    /// One JSON document.
    Json,
}
