//! The same at each server that is named, whatever becomes of it at the others.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::Desk;
use crate::{
    cli::ServersArgs,
    exit::{Exit, Failure, Form},
    talk,
};

/// How it is told what became of it: to programs, a line for each server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) form: Form,
    pub(crate) schema: &'static str,
    /// The member that lists what it is about.
    pub(crate) member: &'static str,
    /// What became of it, where nothing fails.
    pub(crate) result: &'static str,
}

/// What was done at one server so far.
#[derive(Debug, Default)]
pub(crate) struct Done {
    list: Vec<Value>,
    lines: Vec<String>,
}

impl Done {
    /// Something that the server shows, and the line about it for people.
    pub(crate) fn note(&mut self, one: Value, line: String) {
        self.list.push(one);
        self.lines.push(line);
    }

    /// A line for people alone.
    pub(crate) fn say(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }
}

impl Desk {
    /// Does something at each server that is named, one after the other, and tells what became of it there. Gives the exit
    /// code of the first that failed.
    ///
    /// # Errors
    /// When no server can be asked at all, or standard output cannot be written.
    pub(crate) async fn each(
        servers: &ServersArgs,
        account: Account,
        act: impl AsyncFn(&Self, &mut Done) -> Result<(), Failure>,
    ) -> Result<ExitCode, Failure> {
        let mut worst = Exit::Yes;
        for desk in Self::all(servers)? {
            let mut done = Done::default();
            let outcome = act(&desk, &mut done).await;
            account.tell(&desk, done, outcome.as_ref().err())?;
            if let Err(failure) = outcome {
                worst = worst.or_worse(failure.report(account.form));
            }
        }
        Ok(worst.into())
    }
}

impl Account {
    fn tell(self, desk: &Desk, done: Done, failure: Option<&Failure>) -> anyhow::Result<()> {
        match self.form {
            Form::Text => done.lines.iter().try_for_each(talk::line),
            Form::Json => talk::line(self.line(&desk.to_string(), done.list, failure)),
        }
    }

    fn line(self, server: &str, list: Vec<Value>, failure: Option<&Failure>) -> Value {
        let result = failure.map_or(self.result, |_| "failed");
        let mut line = json!({ "schema": self.schema, "server": server, "result": result });
        line[self.member] = list.into();
        if let Some(failure) = failure {
            line["error"] = failure.sentence().into();
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_done_before_it_failed() {
        let account = Account {
            form: Form::Json,
            schema: "confbus.pins/1",
            member: "pins",
            result: "released",
        };
        let line = |failure| account.line("http://a:1", vec![json!({ "id": "1" })], failure);
        assert_eq!(
            line(None),
            json!({ "schema": "confbus.pins/1", "server": "http://a:1", "result": "released", "pins": [{ "id": "1" }] })
        );
        let failure = Failure::new(Exit::Denied, "not allowed");
        let failed = line(Some(&failure));
        assert_eq!(
            (&failed["result"], &failed["error"], &failed["pins"]),
            (&json!("failed"), &json!("not allowed"), &line(None)["pins"])
        );
    }
}
