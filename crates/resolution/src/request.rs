use confbus_protocol::{Application, Label, Profiles};
use indexmap::IndexMap;

/// The coordinates of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvironmentRequest {
    /// Whose configuration.
    pub application: Application,
    /// Under which profiles.
    pub profiles: Profiles,
    /// As asked for; the snapshot is what it names.
    pub label: Option<Label>,
}

/// How a repository is laid out, and how it shows itself in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The repository's URI as shown in names of sources, without credentials and trailing slashes.
    pub uri: String,
    /// The directory shown in names of sources that come from a file with several documents.
    pub checkout: String,
    /// Directories beside the root, the later one stronger: `{application}`, `{profile}` and `{label}` stand for the
    /// request's, `*` and `**` are wildcards.
    pub search_paths: Vec<String>,
    /// What `{label}` in a search path stands for when a request has no label.
    pub default_label: Option<Label>,
    /// The properties that win over every file, as configured: in values, `\{` stands for `{` and `\${` for `${`.
    pub overrides: IndexMap<String, String>,
    /// Plain files are looked for in the last location first.
    pub reverse_location_order: bool,
    /// A YAML answer that is only a `document` loses that wrapper (`strip-document-from-yaml`).
    pub strip_document: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            uri: String::new(),
            checkout: String::new(),
            search_paths: Vec::new(),
            default_label: None,
            overrides: IndexMap::new(),
            reverse_location_order: false,
            strip_document: true,
        }
    }
}
