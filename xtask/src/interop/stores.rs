//! `cargo xtask interop stores`: both servers read the same Redis, the same PostgreSQL and the same bucket.

mod bucket;
mod postgres;
mod redis;
mod requests;
mod ways;

use super::repository::Repository;
use super::server::Programs;
use super::{Tally, Unavailable};
use bucket::{Bucket, CREDENTIALS};
use postgres::Postgres;
use redis::Redis;
use ways::{ENDPOINT, OF_BUCKETS, OF_DATABASES, REPOSITORY, Way};

/// What both servers read.
struct Stores {
    redis: Redis,
    postgres: Postgres,
    bucket: Result<Bucket, Unavailable>,
}

/// Runs every way; a server that does not start ends the run.
pub(super) fn run() -> anyhow::Result<Tally> {
    let bucket = Bucket::start().map(Ok);
    let stores = Stores {
        bucket: bucket.or_else(|error| error.downcast().map(Err))?,
        redis: Redis::start()?,
        postgres: Postgres::start()?,
    };
    let programs = Programs::with_stores(&CREDENTIALS)?;
    let mut ways = Vec::from(OF_DATABASES);
    match &stores.bucket {
        Ok(_) => ways.extend(OF_BUCKETS),
        Err(missing) => println!("NOT RUN: files of a bucket; {missing}"),
    }
    let mut tally = Tally::default();
    for way in ways {
        tally.count(way.name, |tally| compare(&programs, &stores, &way, tally))?;
    }
    Ok(tally)
}

fn compare(
    programs: &Programs,
    stores: &Stores,
    way: &Way,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let repository = Repository::create(folder.path().join("repository"))?;
    repository.commit(&[
        ("orders.yml", "who: git\nonly: git\n"),
        ("application.yml", "s: 1\n"),
    ])?;
    let endpoint = stores.bucket.as_ref().map(Bucket::endpoint);
    let endpoint = endpoint.unwrap_or_default();
    let repository = repository.path().display().to_string();
    let mut settings = vec![
        format!("--spring.data.redis.port={}", stores.redis.port()),
        format!("--spring.datasource.url={}", stores.postgres.url()),
        "--spring.datasource.username=confbus".to_owned(),
        // Whether both are ready is asked of `/encrypt/status`.
        "--encrypt.key=unused".to_owned(),
    ];
    let of_way = way.settings.iter();
    settings.extend(of_way.map(|(key, value)| {
        let value = value.replace(REPOSITORY, &repository);
        format!("--{key}={}", value.replace(ENDPOINT, &endpoint))
    }));
    let ours = programs.confbus(&settings, folder.path())?;
    let theirs = programs.spring(&settings, folder.path())?;
    for path in requests::PATHS {
        let expected = requests::send(&theirs, path, way.order)?;
        let what = format!("{}, {path}", way.name);
        tally.check(&what, &requests::send(&ours, path, way.order), &expected);
    }
    Ok(())
}
