//! The first minute: a repository, a server and three instances on this machine, without a broker.

mod fleet;
mod keys;
mod line;
mod repository;
mod story;

use std::{fs, net::SocketAddr, path::Path, process::ExitCode};

use anyhow::Context as _;
use confbus::{
    App, Settings, Sources, printable, shutdown,
    telemetry::{self, LogFormat},
};
use confbus_bus::RabbitSettings;
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinSet};

use crate::{
    cli::DemoArgs,
    desk::Desk,
    exit::{Exit, Failure, OrExit as _},
    talk, watch,
};
use fleet::Fleet;
use keys::Keys;
use repository::DemoRepository;
use story::{Outcome, Step, Story};

const PORT: &str = "8888";
const PRESS: &str =
    "press   g good change   v value they refuse   b broken file   k cut a line   q quit";

/// What `--once` shows.
const STEPS: [Step; 5] = [
    Step::Good,
    Step::Refused,
    Step::Broken,
    Step::Fixed,
    Step::Cut,
];

/// Runs until it is told to stop; once through all steps, success means that each went as promised.
pub(crate) async fn run(args: DemoArgs) -> Result<ExitCode, Failure> {
    let keys = if args.once { None } else { Keys::listen() };
    // Where the steps are told, what happens in them is no news.
    let is_told = args.once || keys.is_some();
    let level = if is_told { "error" } else { "warn" };
    let _log = telemetry::init(LogFormat::Text, level)?;
    let folder = tempfile::Builder::new()
        .prefix("confbus-demo-")
        .tempdir()
        .context("no folder for the demo")?;
    let mut repository = DemoRepository::create(folder.path().join("config"))?;
    let properties = args.properties.pairs().or_exit(Exit::Usage)?;
    let broker = broker(&properties)?;
    let (app, is_elsewhere) = bind(&folder, repository.folder(), &properties).await?;
    let server = app.local_addr()?;
    let judging = settings(&folder, repository.folder(), PORT, &properties)?;
    if !args.once {
        introduce(server, is_elsewhere, repository.folder())?;
    }
    let show = async {
        let story = Story {
            server: Desk::at_address(server)?,
            fleet: Fleet::connect(server, broker).await?,
            settings: judging,
            repository: &mut repository,
            broken: None,
        };
        if args.once {
            once(story).await
        } else {
            interactive(story, keys).await
        }
    };
    let exit = Box::pin(serve_during(app, show)).await?;
    keep_if_edited(folder, &repository)?;
    Ok(exit.into())
}

/// Serves until everything was shown, or until somebody wants the program to end.
async fn serve_during(
    app: App,
    show: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let (done, until) = oneshot::channel::<()>();
    let stop = async {
        tokio::select! {
            _ = until => Ok(()),
            stopped = shutdown::requested() => stopped,
        }
    };
    let mut serving = Box::pin(app.serve_until(stop));
    let exit = tokio::select! {
        ended = &mut serving => {
            ended?;
            return Ok(Exit::Yes);
        }
        exit = show => exit?,
    };
    drop(done);
    serving.await?;
    Ok(exit)
}

/// One line for each step.
async fn once(mut story: Story<'_>) -> Result<Exit, Failure> {
    talk::line("confbus demo: a server, a repository and three instances of orders")?;
    let mut exit = Exit::Yes;
    for step in STEPS {
        let Outcome { line, holds, .. } = story.play(step).await?;
        talk::line(format!("{:<8}{}", step.name(), printable(&line)))?;
        if !holds {
            exit = Exit::No;
        }
    }
    let verdict = match exit {
        Exit::Yes => "all went as promised",
        _ => "not all went as promised",
    };
    talk::line(verdict)?;
    Ok(exit)
}

/// Shows what changes in the instances, and a step for each key.
async fn interactive(mut story: Story<'_>, keys: Option<Keys>) -> Result<Exit, Failure> {
    let mut followed = JoinSet::new();
    for instance in story.fleet.all() {
        let (client, name) = (instance.client.clone(), instance.name.clone());
        followed.spawn(async move { watch::follow(&client, &name).await });
    }
    tokio::select! {
        exit = press(&mut story, keys) => exit,
        ended = followed.join_next() => {
            ended.transpose().context("an instance")?.transpose()?;
            Ok(Exit::Yes)
        }
    }
}

/// Until somebody is tired of it.
async fn press(story: &mut Story<'_>, keys: Option<Keys>) -> Result<Exit, Failure> {
    let Some(mut keys) = keys else {
        return std::future::pending().await;
    };
    talk::line(PRESS)?;
    loop {
        let step = match keys.next().await.to_ascii_lowercase() {
            b'g' => Step::Good,
            b'v' => Step::Refused,
            b'b' => Step::Broken,
            b'k' => Step::Cut,
            b'q' => return Ok(Exit::Yes),
            _ => {
                talk::line(PRESS)?;
                continue;
            }
        };
        // A file without the line that is to change is no reason to end.
        match story.play(step).await {
            Ok(Outcome { detail, line, .. }) => {
                detail.iter().try_for_each(talk::line)?;
                talk::line(printable(&line))?;
            }
            Err(error) => talk::line(printable(&format!("{error:#}")))?,
        }
    }
}

/// The usual port, or any other when somebody has that one.
async fn bind(
    folder: &TempDir,
    repository: &Path,
    properties: &[(String, String)],
) -> Result<(App, bool), Failure> {
    match App::bind(settings(folder, repository, PORT, properties)?).await {
        Ok(app) => Ok((app, false)),
        Err(_) if properties.iter().all(|(key, _)| key != "server.port") => {
            let settings = settings(folder, repository, "0", properties)?;
            Ok((App::bind(settings).await?, true))
        }
        Err(cause) => Err(cause.into()),
    }
}

fn settings(
    folder: &TempDir,
    repository: &Path,
    port: &str,
    properties: &[(String, String)],
) -> Result<Settings, Failure> {
    let ours = [
        ("server.address", "127.0.0.1".to_owned()),
        ("server.port", port.to_owned()),
        (
            "spring.cloud.config.server.git.uri",
            repository.display().to_string(),
        ),
        (
            "spring.cloud.config.server.git.basedir",
            folder.path().join("clones").display().to_string(),
        ),
    ];
    let ours = ours.map(|(key, value)| (key.to_owned(), value));
    let arguments = ours.into_iter().chain(properties.iter().cloned()).collect();
    // An empty file instead of the usual places: the demo looks the same wherever it is started.
    let file = folder.path().join("demo.properties");
    fs::write(&file, "")?;
    Ok(Settings::load(&Sources {
        file: Some(file),
        arguments,
        variables: Vec::new(),
    })?)
}

fn introduce(server: SocketAddr, is_elsewhere: bool, repository: &Path) -> anyhow::Result<()> {
    let folder = repository.display();
    let url = format!("http://{server}");
    if is_elsewhere {
        talk::line(format!("port {PORT} is taken, so this is at another"))?;
    }
    talk::line(format!(
        "confbus demo: a server, a repository and three instances on this machine; Ctrl-C ends it

  server      {url}
  pages       {url}/_/
  repository  {folder}

Ask it:       curl {url}/orders/dev
              curl {url}/main/orders-dev.yml
              curl {url}/orders-dev.properties
Change it:    cd {folder}
              sed -i 's/max-open: 20/max-open: 40/' orders.yml && git commit -am 'raise the limit'
"
    ))
}

/// Where the instances listen when the demo runs over RabbitMQ.
fn broker(properties: &[(String, String)]) -> anyhow::Result<Option<RabbitSettings>> {
    let value = |key: &str| {
        properties
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    };
    let Some(host) = value("spring.rabbitmq.host") else {
        return Ok(None);
    };
    let port = value("spring.rabbitmq.port").unwrap_or("5672");
    Ok(Some(RabbitSettings::from_url(&format!(
        "amqp://{host}:{port}"
    ))?))
}

/// What somebody committed or wrote is theirs.
fn keep_if_edited(folder: TempDir, repository: &DemoRepository) -> anyhow::Result<()> {
    if repository.is_edited()? {
        let kept = folder.keep().join("config");
        return talk::line(format!("your changes stay in {}", kept.display()));
    }
    folder.close().context("the folder of the demo stays")
}
