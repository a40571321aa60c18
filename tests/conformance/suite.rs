//! The cases as they are written down: what is asked, and what the answer must be.

use std::{
    fs,
    path::{Path, PathBuf},
    slice,
};

use anyhow::Context as _;
use indexmap::IndexMap;
use serde::{Deserialize, de::DeserializeOwned};

use super::{fixtures::Step, json::Json};

/// Where the data of this test lies.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// A file of the data, read as JSON.
pub(crate) fn read<T: DeserializeOwned>(path: &str) -> anyhow::Result<T> {
    let text = fs::read_to_string(folder().join(path)).with_context(|| path.to_owned())?;
    serde_json::from_str(&text).with_context(|| path.to_owned())
}

/// The names of the files in one folder of the data, without their extension.
pub(crate) fn names(part: &str) -> anyhow::Result<Vec<String>> {
    let mut names: Vec<_> = fs::read_dir(folder().join(part))?
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// One file under `cases`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    #[serde(rename = "title")]
    _title: String,
    pub(crate) cases: Vec<Case>,
}

/// One question and its answer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) server: String,
    #[serde(default, rename = "note")]
    _note: String,
    /// What happens to the server's world first.
    #[serde(default)]
    pub(crate) before: Vec<Action>,
    /// `METHOD target`, where the target is sent byte for byte; or `START`: are the settings accepted?
    pub(crate) ask: String,
    #[serde(default)]
    pub(crate) headers: IndexMap<String, Text>,
    pub(crate) body: Option<Content>,
    /// So many of this request at the same time, each of which must be answered alike.
    pub(crate) parallel: Option<usize>,
    /// Names under which the body (`body`) or a header of the answer is kept for later cases.
    #[serde(default)]
    pub(crate) capture: IndexMap<String, String>,
    pub(crate) expect: Expectation,
    /// Answers that are as good.
    #[serde(default)]
    pub(crate) also: Vec<Expectation>,
    /// Where confbus means to differ: what it answers instead.
    #[serde(skip)]
    pub(crate) ours: Option<Expectation>,
}

/// Something that happens before a question is asked.
#[derive(Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Action {
    Push {
        push: String,
        steps: Vec<Step>,
    },
    Unreachable {
        unreachable: String,
    },
    Restore {
        restore: String,
    },
    /// Files that change in a plain folder or a working tree; null removes one.
    Edit {
        edit: String,
        write: IndexMap<String, Option<Content>>,
    },
    Restart {
        #[serde(rename = "restart")]
        _restart: bool,
    },
}

/// What an answer must be; all parts must hold.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// The status and, unless there must be none, the content type; of a start: `accepted` or `refused`.
    pub(crate) answer: String,
    /// Text, null for absent, or `{"present": true}`, or `{"regex"}`.
    #[serde(default)]
    pub(crate) headers: IndexMap<String, Json>,
    pub(crate) text: Option<Text>,
    pub(crate) base64: Option<String>,
    pub(crate) json: Option<Json>,
    /// Pointers to the objects of `json` whose order is free.
    #[serde(default)]
    pub(crate) unordered: Vec<String>,
    pub(crate) error: Option<Json>,
    #[serde(default)]
    pub(crate) empty: bool,
    pub(crate) sources: Option<Json>,
    #[serde(default)]
    pub(crate) values: IndexMap<String, Json>,
    #[serde(default)]
    pub(crate) absent: Vec<String>,
    pub(crate) regex: Option<Text>,
    #[serde(default)]
    pub(crate) contains: Vec<String>,
    #[serde(default)]
    pub(crate) not_contains: Vec<String>,
    pub(crate) not_text: Option<String>,
}

/// Text as it is, or cut at its newlines.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    Whole(String),
    Cut(Vec<String>),
}

impl Text {
    pub(crate) fn joined(&self) -> String {
        self.pieces().join("\n")
    }

    pub(crate) fn pieces(&self) -> &[String] {
        match self {
            Self::Whole(text) => slice::from_ref(text),
            Self::Cut(pieces) => pieces,
        }
    }
}

/// The content of a file or a body.
#[derive(Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Content {
    Exact(String),
    /// Each ends in a newline.
    Lines(Vec<String>),
    Bytes {
        base64: Text,
    },
    Link {
        symlink: String,
    },
}
