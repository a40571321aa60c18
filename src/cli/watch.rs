use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use clap_complete::ArgValueCompleter;
use confbus_protocol::InvalidAddress;
use rustix::process::Signal;
use url::Url;

use super::{complete::addresses, number_and_unit};
use crate::watch::Format;

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// APPLICATION[/PROFILES][@LABEL]
    #[arg(value_name = "ADDRESS", value_parser = Address::parse, add = ArgValueCompleter::new(addresses))]
    pub(crate) address: Address,
    /// The server, or several by comma; credentials may stand in the address
    /// [default: CONFBUS_SERVER, SPRING_CLOUD_CONFIG_URI, http://localhost:8888]
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The file with the bearer token for the server [default: CONFBUS_TOKEN_FILE, or the token in CONFBUS_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Listen to RabbitMQ instead of the server's own stream of events.
    #[arg(long, value_name = "amqp://USER:PASSWORD@HOST")]
    pub(crate) amqp: Option<String>,
    /// The exchange on RabbitMQ.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "springCloudBus",
        requires = "amqp"
    )]
    pub(crate) exchange: String,
    /// The port or number by which this instance is told from others of its application.
    #[arg(long, value_name = "INDEX", default_value = "0")]
    pub(crate) index: String,
    /// Seconds between two looks that nobody asked for; 0 looks only when told [default: CONFBUS_POLL_INTERVAL, 30]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) poll: Option<u64>,
    /// Where the last good configuration is kept, to start from when the server is away [default: CONFBUS_LAST_GOOD_DIR]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) last_good: Option<PathBuf>,
    /// What it holds of values that look secret: leave-out, or keep for clear text [default: CONFBUS_LAST_GOOD_SECRETS, leave-out]
    #[arg(long, value_name = "WHAT", conflicts_with = "last_good_key")]
    pub(crate) last_good_secrets: Option<String>,
    /// The file with the key that encrypts it, secrets and all; openssl rand -hex 32 makes one [default: CONFBUS_LAST_GOOD_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) last_good_key: Option<String>,
    #[command(flatten)]
    pub(crate) delivery: DeliveryArgs,
}

/// Where the configuration goes, and who is told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files and a program")]
pub(crate) struct DeliveryArgs {
    /// A file to keep current; its ending says how: yaml, yml, json, properties, env, toml. May be repeated.
    ///
    /// FORMAT:FILE for other endings; - is standard output.
    #[arg(long, value_name = "FILE", value_parser = Output::parse)]
    pub(crate) out: Vec<Output>,
    /// Give the values to the program, and to --check and --ready, as variables: pool.max is POOL_MAX.
    ///
    /// A version with a key that would decide what code runs is refused: PATH, HOME, SHELL, USER, LOGNAME, PWD, IFS, ENV, BASH_ENV,
    /// LD_* and DYLD_*, and what shells, Python, Node.js, Java, Perl, Ruby, PHP and .NET take options or code from, as NODE_OPTIONS;
    /// leave such keys out with --only.
    #[arg(long, requires = "program")]
    pub(crate) env: bool,
    /// Only these keys, in any spelling, with what lies below them; * stands for any text. By comma, or repeated.
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// A shell command that must end with 0 before anything is replaced; {config.yaml} is the new file.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) check: Option<String>,
    /// How long the check may take.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) check_timeout: Duration,
    /// What to do after a change: restart, none, a signal as SIGHUP, POST URL, or a shell command
    /// [default: restart the program]
    #[arg(long, value_name = "WHAT", value_parser = OnChange::parse)]
    pub(crate) on_change: Option<OnChange>,
    /// The file with the number of the process that gets the signal instead of the program.
    #[arg(long, value_name = "FILE")]
    pub(crate) pid_file: Option<PathBuf>,
    /// How long the program must live after it was told.
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration)]
    pub(crate) settle: Duration,
    /// A shell command that ends with 0 once the program is ready, instead of --settle.
    #[arg(long, value_name = "COMMAND", requires = "program")]
    pub(crate) ready: Option<String>,
    /// How long it may take until the program is ready, and a command of --on-change.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) ready_timeout: Duration,
    /// How long the program may take to end before it is killed.
    ///
    /// What it started is killed with it, unless standard input is a terminal.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) max_wait: Duration,
    /// Put the old files back when the program does not take the new ones.
    #[arg(long)]
    pub(crate) restore: bool,
    /// How long to try for the first configuration [default: a few seconds]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) wait_first: Option<Duration>,
    /// Write our own lines as JSON objects.
    #[arg(long)]
    pub(crate) json: bool,
    /// The program and its arguments, which no shell touches.
    #[arg(value_name = "PROGRAM", last = true)]
    pub(crate) program: Vec<OsString>,
}

/// What to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) application: String,
    pub(crate) profiles: String,
    pub(crate) label: Option<String>,
}

/// One file to keep current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    /// `None` is standard output.
    pub(crate) path: Option<PathBuf>,
    pub(crate) format: Format,
    /// Who may read and write it; without one it is as the file before, or its owner's alone.
    pub(crate) mode: Option<u32>,
}

/// How a program is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OnChange {
    Restart,
    Nothing,
    Signal(SignalName),
    Post(Url),
    Command(String),
}

/// A signal that a program may be told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SignalName {
    pub(crate) name: &'static str,
    pub(crate) signal: Signal,
}

const SIGNALS: [SignalName; 8] = [
    SignalName::new("SIGHUP", Signal::HUP),
    SignalName::new("SIGUSR1", Signal::USR1),
    SignalName::new("SIGUSR2", Signal::USR2),
    SignalName::new("SIGINT", Signal::INT),
    SignalName::new("SIGQUIT", Signal::QUIT),
    SignalName::new("SIGTERM", Signal::TERM),
    SignalName::new("SIGWINCH", Signal::WINCH),
    SignalName::new("SIGCONT", Signal::CONT),
];

impl Address {
    /// As other commands write it.
    pub(crate) fn of(address: &confbus_protocol::Address) -> Self {
        Self {
            application: address.application.as_str().to_owned(),
            profiles: address.profiles.as_str().to_owned(),
            label: address.label.as_ref().map(ToString::to_string),
        }
    }

    /// A label may also follow a second slash, as in the server's own addresses.
    fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let names = text.split('@').next().unwrap_or_default();
        let address = match names.match_indices('/').nth(1) {
            Some((at, _)) => format!("{}@{}", &text[..at], &text[at + 1..]).parse(),
            None => text.parse(),
        };
        address.map(|address| Self::of(&address))
    }
}

impl Output {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let prefixed = text
            .split_once(':')
            .and_then(|(format, file)| Some((Format::named(format)?, file)));
        let (format, file) = match prefixed {
            Some((format, file)) => (format, file),
            None if text == "-" => (Format::Yaml, text),
            None => {
                let ending = Path::new(text)
                    .extension()
                    .and_then(|ending| ending.to_str());
                // A file may be named `.env` and nothing else.
                let ending = ending.or_else(|| text.rsplit('/').next()?.strip_prefix('.'));
                let format = ending.and_then(Format::named).ok_or(
                    "its ending is none of yaml, yml, json, properties, env, toml; write FORMAT:FILE",
                )?;
                (format, text)
            }
        };
        let path = match file {
            "" => return Err("the file has no name".into()),
            "-" => None,
            file => Some(PathBuf::from(file)),
        };
        Ok(Self {
            path,
            format,
            mode: None,
        })
    }
}

impl OnChange {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let signal = || SIGNALS.into_iter().find(|signal| signal.name == text);
        match text {
            "" => Err("write restart, none, a signal, or a command".into()),
            "restart" => Ok(Self::Restart),
            "none" => Ok(Self::Nothing),
            _ if text.starts_with("POST ") => post(text),
            _ => match signal() {
                Some(signal) => Ok(Self::Signal(signal)),
                None if text.starts_with("SIG") && !text.contains(' ') => {
                    let known: Vec<_> = SIGNALS.iter().map(|signal| signal.name).collect();
                    Err(format!(
                        "not a signal to tell a program by; known are {}",
                        known.join(", ")
                    ))
                }
                None => Ok(Self::Command(text.to_owned())),
            },
        }
    }
}

/// `POST http://127.0.0.1:9901/reload`
fn post(text: &str) -> Result<OnChange, String> {
    let url = text.trim_start_matches("POST").trim().parse().ok();
    let url = url.filter(|url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or("write POST http://HOST:PORT/PATH")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials in the address would be told with it; use a command".into());
    }
    Ok(OnChange::Post(url))
}

impl SignalName {
    const fn new(name: &'static str, signal: Signal) -> Self {
        Self { name, signal }
    }
}

/// `500ms`, `30s`, `5m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    /// Longer than anybody waits, and far from where sums of durations end.
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let (number, unit) = number_and_unit(text);
    let time = number.and_then(|number| match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    });
    time.filter(|time| *time <= LONGEST)
        .ok_or_else(|| "write a time up to a day as 500ms, 30s or 5m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_up_to_three_parts() {
        for (text, profiles, label) in [
            ("orders", "default", None),
            ("orders/dev", "dev", None),
            ("orders@main", "default", Some("main")),
            ("orders/dev@feature/x", "dev", Some("feature/x")),
            ("orders/dev/feature/x", "dev", Some("feature/x")),
            ("orders/dev/x@y", "dev", Some("x@y")),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.application, "orders", "{text}");
            assert_eq!(address.profiles, profiles, "{text}");
            assert_eq!(address.label.as_deref(), label, "{text}");
        }
        for wrong in ["", "/dev", "orders/", "orders@", "orders/dev/"] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_ending_of_a_file_says_its_format() {
        let output = |text: &str| Output::parse(text).map(|output| (output.path, output.format));
        let file = |path: &str, format| Ok((Some(path.into()), format));
        assert_eq!(output("a/config.yml"), file("a/config.yml", Format::Yaml));
        assert_eq!(output("app.env"), file("app.env", Format::Env));
        assert_eq!(output("/run/.env"), file("/run/.env", Format::Env));
        assert_eq!(output("json:a.conf"), file("a.conf", Format::Json));
        assert_eq!(output("a:b.toml"), file("a:b.toml", Format::Toml));
        assert_eq!(output("-"), Ok((None, Format::Yaml)));
        assert_eq!(output("json:-"), Ok((None, Format::Json)));
        for wrong in ["", "config", "config.xml", "json:", "yaml"] {
            assert!(output(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_change_restarts_signals_or_runs() {
        assert_eq!(OnChange::parse("restart"), Ok(OnChange::Restart));
        assert_eq!(OnChange::parse("none"), Ok(OnChange::Nothing));
        let OnChange::Signal(signal) = OnChange::parse("SIGHUP").unwrap() else {
            panic!("no signal")
        };
        assert_eq!((signal.name, signal.signal), ("SIGHUP", Signal::HUP));
        let reload = "nginx -s reload";
        assert_eq!(
            OnChange::parse(reload),
            Ok(OnChange::Command(reload.into()))
        );
        let url = "http://127.0.0.1:9901/reload?now";
        assert_eq!(
            OnChange::parse(&format!("POST {url}")),
            Ok(OnChange::Post(url.parse().unwrap()))
        );
        for wrong in [
            "",
            "SIGHUB",
            "SIGKILL",
            "POST ",
            "POST /reload",
            "POST http://a:b@c/",
        ] {
            assert!(OnChange::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_have_units_and_an_end() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        for wrong in ["", "5", "s", "5h", "-5s", "99999999999999999999s", "25000m"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
