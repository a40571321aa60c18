//! The first minute: a repository, a server and three instances on this machine, without a broker.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use confbus::{
    App, Settings, Sources, shutdown,
    telemetry::{self, LogFormat},
};
use confbus_bus::RabbitSettings;
use confbus_client::{Client, Transport};
use git2::{IndexAddOption, Repository, RepositoryInitOptions, Signature};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    cli::DemoArgs,
    exit::{Exit, Failure, OrExit as _},
    watch,
};

/// Two applications; two instances of the first.
const INSTANCES: [(&str, &str); 3] = [("orders", "8081"), ("orders", "8082"), ("payments", "8083")];

macro_rules! sample_files {
    ($($name:literal),* $(,)?) => { [$(($name, include_str!(concat!("../sample-repo/", $name)))),*] };
}

/// Compiled in, so that the program shows its demo wherever it runs.
const SAMPLE: [(&str, &str); 13] = sample_files![
    "README.md",
    "application-prod.yml",
    "application.yml",
    "legacy-dev.properties",
    "legacy.properties",
    "nginx.conf",
    "orders-dev.yml",
    "orders-prod.yml",
    "orders.yml",
    "payments-dev.yml",
    "payments-prod.yml",
    "payments.yml",
    "shipping.yml",
];

/// Runs until it is told to stop.
pub(crate) async fn run(args: DemoArgs) -> Result<(), Failure> {
    let _log = telemetry::init(LogFormat::Text, "warn")?;
    let folder = tempfile::Builder::new()
        .prefix("confbus-demo-")
        .tempdir()
        .context("no folder for the demo")?;
    let repository = folder.path().join("config");
    make_repository(&repository)?;

    let properties = args.properties.pairs().or_exit(Exit::Usage)?;
    let app = bind(&folder, &repository, &properties).await?;
    let url = format!("http://{}", app.local_addr()?);
    introduce(&url, &repository);
    let broker = broker(&properties)?;
    tokio::select! {
        served = app.serve_until(shutdown::requested()) => served,
        failed = follow_all(&url, broker) => failed,
    }?;
    Ok(keep_if_edited(folder, &repository)?)
}

/// The usual port, or any other when somebody has that one.
async fn bind(
    folder: &TempDir,
    repository: &Path,
    properties: &[(String, String)],
) -> Result<App, Failure> {
    match App::bind(settings(folder, repository, "8888", properties)?).await {
        Ok(app) => Ok(app),
        Err(_) if properties.iter().all(|(key, _)| key != "server.port") => {
            Ok(App::bind(settings(folder, repository, "0", properties)?).await?)
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

#[expect(clippy::print_stdout, reason = "the demo speaks to whoever started it")]
fn introduce(url: &str, repository: &Path) {
    let folder = repository.display();
    println!(
        "confbus demo: a server, a repository and three instances on this machine; Ctrl-C ends it\n"
    );
    println!("  server      {url}");
    println!("  repository  {folder}\n");
    println!("Ask it:       curl {url}/orders/dev");
    println!("              curl {url}/main/orders-dev.yml");
    println!("              curl {url}/orders-dev.properties");
    println!("Change it:    cd {folder}");
    println!(
        "              sed -i 's/max-open: 20/max-open: 40/' orders.yml && git commit -am 'raise the limit'\n"
    );
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

async fn follow_all(url: &str, broker: Option<RabbitSettings>) -> anyhow::Result<()> {
    let mut instances = JoinSet::new();
    for (application, index) in INSTANCES {
        let mut settings = confbus_client::Settings::new(application)
            .profiles("dev")
            .server(url)
            .index(index)
            .poll_every(Duration::from_secs(30));
        if let Some(broker) = &broker {
            settings = settings.transport(Transport::Amqp(Box::new(broker.clone())));
        }
        instances.spawn(async move {
            let client = Client::connect(settings).await?;
            watch::follow(&client, &format!("{application}:dev:{index}")).await
        });
    }
    while let Some(ended) = instances.join_next().await {
        ended??;
    }
    Ok(())
}

fn make_repository(folder: &Path) -> anyhow::Result<()> {
    let options = &mut RepositoryInitOptions::new();
    options.initial_head("main");
    let repository =
        Repository::init_opts(folder, options).context("no repository for the demo")?;
    for (name, text) in SAMPLE {
        fs::write(folder.join(name), text)?;
    }
    // So that `git commit` works for whoever never told Git a name.
    let mut config = repository.config()?;
    config.set_str("user.name", "confbus demo")?;
    config.set_str("user.email", "demo@localhost")?;
    let mut index = repository.index()?;
    index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let author = Signature::now("confbus demo", "demo@localhost")?;
    repository.commit(
        Some("HEAD"),
        &author,
        &author,
        "A sample configuration",
        &tree,
        &[],
    )?;
    Ok(())
}

/// What somebody committed is theirs.
#[expect(clippy::print_stdout, reason = "the demo speaks to whoever started it")]
fn keep_if_edited(folder: TempDir, repository: &Path) -> anyhow::Result<()> {
    let commits = Repository::open(repository)?;
    let edited = commits.head()?.peel_to_commit()?.parent_count() > 0;
    if edited {
        let kept: PathBuf = folder.keep();
        println!("your changes stay in {}", kept.join("config").display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_file_is_in_the_demo() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-repo");
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, SAMPLE.map(|(name, _)| name));
    }
}
