use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use ::object_store::{Error, GetOptions, ObjectStore as _, aws::AmazonS3, path::Path};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use quick_cache::{Weighter, sync::Cache};

use super::{
    KIND,
    error::{is_missing, told},
};
use crate::lookups::LookupError;

/// The largest file that is fetched; more is not read as configuration anyway.
const FILE_LIMIT: u64 = 3 << 20;

/// How much the files of one request may take.
const TEXT_LIMIT: usize = 16 << 20;

/// What is held of all files, so that only others are fetched.
const HELD_BYTES: u64 = 32 << 20;

/// What a file takes that is not there, or has no content.
const LEAST_BYTES: usize = 256;

/// How many files the table of those held is laid out for.
const USUAL_FILES: usize = 4096;

/// Files that are asked for at the same time.
const AT_ONCE: usize = 16;

/// How often all files of a request are looked at while they change.
const LOOKS: usize = 4;

/// Files by their names; `None` where there is none.
pub(super) type Files = HashMap<String, Option<Bytes>>;

/// A file as it was seen, or that there was none.
type Seen = Option<Object>;

#[derive(Debug, Clone)]
struct Object {
    /// By which the store knows whether it is another one.
    tag: Option<String>,
    content: Bytes,
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
    }
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Arc<str>, Seen> for Weight {
    fn weight(&self, key: &Arc<str>, seen: &Seen) -> u64 {
        let content = seen.as_ref().map_or(0, |object| object.content.len());
        (key.len() + content + LEAST_BYTES) as u64
    }
}

/// The files of a bucket, and what was seen of them.
pub(super) struct Objects {
    store: AmazonS3,
    seen: Cache<Arc<str>, Seen, Weight>,
}

impl Objects {
    pub(super) fn new(store: AmazonS3) -> Self {
        Self {
            store,
            seen: Cache::with_weighter(USUAL_FILES, HELD_BYTES, Weight),
        }
    }

    /// The files of these names, all of one moment: a bucket has no transactions, so they are looked at until none of them has
    /// changed since it was seen last.
    pub(super) async fn read(
        &self,
        keys: impl Iterator<Item = String>,
    ) -> Result<Files, LookupError> {
        let keys: BTreeSet<Arc<str>> = keys.map(Arc::from).collect();
        let mut before: Vec<_> = keys.iter().map(|key| self.seen.get(key)).collect();
        for _ in 0..LOOKS {
            let now = self.look(&keys, &before).await?;
            let is_still = before
                .iter()
                .zip(&now)
                .all(|(before, now)| before.as_ref() == Some(now));
            if is_still {
                let files = keys.iter().map(ToString::to_string).zip(now);
                let content =
                    |(key, seen): (String, Seen)| (key, seen.map(|object| object.content));
                return Ok(files.map(content).collect());
            }
            before = now.into_iter().map(Some).collect();
        }
        Err(LookupError::Unusable {
            kind: KIND,
            why: "its files change faster than they can be read together".to_owned(),
        })
    }

    /// Sees whether the bucket is there and answers us.
    pub(super) async fn greet(&self) -> Result<(), LookupError> {
        self.get("application.properties", None).await.map(drop)
    }

    /// Looks at each file once.
    async fn look(
        &self,
        keys: &BTreeSet<Arc<str>>,
        before: &[Option<Seen>],
    ) -> Result<Vec<Seen>, LookupError> {
        let questions = keys.iter().cloned().zip(before.to_vec());
        let asked = questions.map(|(key, before)| async move {
            let seen = self.get(&key, before.flatten().as_ref()).await?;
            self.seen.insert(key, seen.clone());
            Ok::<_, LookupError>(seen)
        });
        let mut answers = stream::iter(asked).buffered(AT_ONCE);
        let (mut all, mut bytes) = (Vec::new(), 0);
        while let Some(seen) = answers.try_next().await? {
            bytes += seen.as_ref().map_or(0, |object| object.content.len());
            if bytes > TEXT_LIMIT {
                return Err(LookupError::TooMuch(TEXT_LIMIT));
            }
            all.push(seen);
        }
        Ok(all)
    }

    /// Fetches a file unless it is the one before.
    async fn get(&self, key: &str, before: Option<&Object>) -> Result<Seen, LookupError> {
        let path = Path::parse(key).map_err(|_| LookupError::Refused {
            kind: KIND,
            why: "no file can have such a name".to_owned(),
        })?;
        let tag = before.and_then(|object| object.tag.clone());
        let options = GetOptions::new().with_if_none_match(tag);
        let answer = match self.store.get_opts(&path, options).await {
            Ok(answer) => answer,
            Err(Error::NotModified { .. }) => return Ok(before.cloned()),
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(told(&error)),
        };
        let size = answer.meta.size;
        if size > FILE_LIMIT {
            return Err(LookupError::Unusable {
                kind: KIND,
                why: format!("{key}: {size} bytes are too many for a configuration file"),
            });
        }
        let tag = answer.meta.e_tag.clone();
        let content = answer.bytes().await.map_err(|error| told(&error))?;
        Ok(Some(Object { tag, content }))
    }
}

#[cfg(test)]
mod tests;
