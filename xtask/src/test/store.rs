//! The store that speaks S3, for tests of buckets: each of them starts one of its own.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::golang;
use crate::interop::Unavailable;
use crate::shell::find_program;

/// Where tests find it.
const NAME: &str = "CONFBUS_TEST_VERSITYGW";

/// What those tests are called.
const TESTS: &str = "sources::awss3::";

/// The program, or why there is none.
pub(super) struct Store(Result<PathBuf, Unavailable>);

impl Store {
    /// Ours, unless another one is named; where that cannot be had, the machine's.
    pub(super) fn find_or_build() -> anyhow::Result<Self> {
        if let Some(named) = env::var_os(NAME).filter(|named| !named.is_empty()) {
            return Ok(Self(Ok(named.into())));
        }
        let found = golang::versitygw().map(Ok).or_else(|error| {
            let missing = error.downcast()?;
            anyhow::Ok(find_program("versitygw").ok_or(missing))
        });
        found.map(Self)
    }

    /// Why there is none.
    pub(super) fn missing(&self) -> Option<&Unavailable> {
        self.0.as_ref().err()
    }

    /// Tells tests where it is, or leaves out those that need it, unless somebody asked for some by themselves.
    pub(super) fn tell(&self, tests: &mut Command, rest: &[OsString]) {
        match &self.0 {
            Ok(program) => _ = tests.env(NAME, program),
            Err(_) if rest.is_empty() => _ = tests.args(["--", "--skip", TESTS]),
            Err(_) => {}
        }
    }
}
