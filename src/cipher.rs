//! `confbus encrypt`, `decrypt` and `rotate`: values as they stand behind `{cipher}`, by a server or with the keys that are here.

mod rotate;

use std::{io::Read as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use confbus::{Sources, TextCipher, printable};

pub(crate) use rotate::run as rotate;

use crate::{
    cli::{DecryptArgs, EncryptArgs, KeysArgs},
    desk::Desk,
    exit::{Exit, Failure},
    talk,
};

/// What marks an encrypted value.
const MARK: &str = "{cipher}";

/// Bytes of the longest secret: what a server takes as well.
const LONGEST: u64 = 64 * 1024;

/// Writes the value for what stands on standard input.
pub(crate) async fn encrypt(args: EncryptArgs) -> Result<ExitCode, Failure> {
    let prefix = args.key.map(|key| format!("{{key:{key}}}"));
    let text = format!("{}{}", prefix.unwrap_or_default(), input()?);
    let cipher = match keys(&args.keys)? {
        Some(keys) => keys.encrypt(&text).map_err(refused)?,
        None => ask(&args.keys, "/encrypt", &text).await?,
    };
    talk::line(format!("{MARK}{}", printable(cipher.trim_end())))?;
    Ok(Exit::Yes.into())
}

/// Writes the text of the value on standard input.
pub(crate) async fn decrypt(args: DecryptArgs) -> Result<ExitCode, Failure> {
    let input = input()?;
    let value = input.trim().trim_matches(['\'', '"']);
    let cipher = value.strip_prefix(MARK).unwrap_or(value);
    let text = match keys(&args.keys)? {
        Some(keys) => keys.decrypt(cipher).map_err(refused)?,
        None => ask(&args.keys, "/decrypt", cipher).await?,
    };
    // As it is: colours and control characters may be part of a secret.
    talk::data(format!("{text}\n").as_bytes())?;
    Ok(Exit::Yes.into())
}

/// Standard input without the end of its last line, so that nothing secret is in the list of processes.
fn input() -> Result<String, Failure> {
    let mut text = String::new();
    let mut input = std::io::stdin().lock().take(LONGEST + 1);
    input
        .read_to_string(&mut text)
        .context("standard input cannot be read")?;
    if text.len() as u64 > LONGEST {
        let text = "standard input is longer than 64 KiB";
        return Err(Failure::new(Exit::Usage, text));
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        let text = "there is nothing on standard input";
        return Err(Failure::new(Exit::Usage, text));
    }
    Ok(line.to_owned())
}

/// The keys that are here, unless a server is to be asked.
fn keys(args: &KeysArgs) -> Result<Option<TextCipher>, Failure> {
    if !args.offline && args.config.is_none() {
        return Ok(None);
    }
    open(args.config.clone()).map(Some)
}

fn open(config: Option<PathBuf>) -> Result<TextCipher, Failure> {
    Ok(TextCipher::load(&Sources::of_process(config, Vec::new()))?)
}

fn refused(reason: String) -> Failure {
    Failure::new(Exit::No, reason)
}

/// The first server is enough: all have the same keys, or none of them could read the other's values.
async fn ask(args: &KeysArgs, path: &str, text: &str) -> Result<String, Failure> {
    let desks = Desk::all(&args.servers)?;
    let Some(desk) = desks.first() else {
        return Err(Failure::new(Exit::Usage, "no server is named"));
    };
    let answer = desk.ask_with("POST", path, ("text/plain", text)).await?;
    String::from_utf8(answer.body)
        .map_err(|_| desk.failure(Exit::Unreachable, "the answer is not text"))
}
