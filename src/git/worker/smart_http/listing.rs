use git2::{Oid, Reference};

use super::{
    Trouble,
    pkt_line::{FLUSH, write},
    session::Session,
};

/// Refs of one remote.
const MAX_REFS: usize = 500_000;
/// Bytes of a listing.
const MAX_LISTING: u64 = 128 << 20;

/// Which refs are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::git::worker) enum Names {
    /// All branches and tags.
    All,
    /// These, by their full names.
    Only(Vec<String>),
}

/// A ref of the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::git::worker) struct Advertised {
    /// `refs/heads/…` or `refs/tags/…`.
    pub(in crate::git::worker) name: String,
    /// The object that it names.
    pub(in crate::git::worker) id: Oid,
    /// What a tag object leads to.
    pub(in crate::git::worker) peeled: Option<Oid>,
}

/// What the remote has.
#[derive(Debug, Default)]
pub(in crate::git::worker) struct Listing {
    /// Branches and tags with names that a ref may have.
    pub(in crate::git::worker) refs: Vec<Advertised>,
    /// The branch that `HEAD` names, if it was asked for.
    pub(in crate::git::worker) head: Option<String>,
}

impl Names {
    fn prefixes(&self) -> impl Iterator<Item = &str> {
        let (all, only): (&[&str], &[String]) = match self {
            Self::All => (&["HEAD", "refs/heads/", "refs/tags/"], &[]),
            Self::Only(names) => (&[], names),
        };
        all.iter().copied().chain(only.iter().map(String::as_str))
    }

    /// A prefix of one name may be that of another.
    fn holds(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|wanted| wanted == name),
        }
    }
}

impl Session {
    pub(super) async fn list(&mut self, names: &Names) -> Result<Listing, Trouble> {
        let mut body = self.begin("ls-refs").await?;
        write(&mut body, "peel");
        write(&mut body, "symrefs");
        for prefix in names.prefixes() {
            write(&mut body, &format!("ref-prefix {prefix}"));
        }
        body.push_str(FLUSH);
        let mut lines = self.post(body, MAX_LISTING).await?;
        let mut listing = Listing::default();
        while let Some(line) = lines.text().await? {
            listing.add(&line, names)?;
        }
        lines.finish().await?;
        Ok(listing)
    }
}

impl Listing {
    fn add(&mut self, line: &str, names: &Names) -> Result<(), Trouble> {
        let mut words = line.split(' ');
        let (Some(id), Some(name)) = (words.next(), words.next()) else {
            return Err(Trouble::NotGit);
        };
        let (mut peeled, mut target) = (None, None);
        for word in words {
            match word.split_once(':') {
                Some(("peeled", id)) => peeled = Some(oid(id)?),
                Some(("symref-target", name)) => target = Some(name),
                _ => {}
            }
        }
        if name == "HEAD" {
            let branch = target.filter(|name| is_ref(name));
            self.head = branch
                .and_then(|name| name.strip_prefix("refs/heads/"))
                .map(str::to_owned);
            return Ok(());
        }
        let id = oid(id)?;
        // A name that no ref may have is nobody's label, and must not come near a file.
        if !is_ref(name) || !names.holds(name) {
            return Ok(());
        }
        if self.refs.len() >= MAX_REFS {
            return Err(Trouble::TooLarge);
        }
        self.refs.push(Advertised {
            name: name.to_owned(),
            id,
            peeled,
        });
        Ok(())
    }
}

fn is_ref(name: &str) -> bool {
    (name.starts_with("refs/heads/") || name.starts_with("refs/tags/"))
        && Reference::is_valid_name(name)
}

pub(super) fn oid(text: &str) -> Result<Oid, Trouble> {
    if text.len() != 40 {
        return Err(Trouble::NotGit);
    }
    Oid::from_str(text).map_err(|_| Trouble::NotGit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789012345678901234567890123456789";

    fn listed(names: &Names, lines: &[&str]) -> Result<Listing, Trouble> {
        let mut listing = Listing::default();
        for line in lines {
            listing.add(&line.replace("ID", ID), names)?;
        }
        Ok(listing)
    }

    #[test]
    fn refs_are_taken_apart() {
        let lines = [
            "ID HEAD symref-target:refs/heads/main",
            "ID refs/heads/main",
            "ID refs/tags/v1 peeled:ID",
        ];
        let listing = listed(&Names::All, &lines).unwrap();
        assert_eq!(listing.head.as_deref(), Some("main"));
        let refs = listing.refs.iter();
        let refs: Vec<_> = refs
            .map(|r| (r.name.as_str(), r.peeled.is_some()))
            .collect();
        assert_eq!(refs, [("refs/heads/main", false), ("refs/tags/v1", true)]);
    }

    #[test]
    fn hostile_names_are_left_out() {
        let lines = [
            "ID refs/heads/../../x",
            "ID refs/heads/a..b",
            "ID refs/heads/x.lock",
            "ID refs/pull/1/head",
            "ID refs/heads/",
            "ID /etc/passwd",
            "unborn HEAD symref-target:refs/heads/../x",
        ];
        let listing = listed(&Names::All, &lines).unwrap();
        assert!(listing.refs.is_empty(), "{listing:?}");
        assert_eq!(listing.head, None);
        for line in ["ID", "xyz refs/heads/main", "0123 refs/heads/main", ""] {
            assert!(listed(&Names::All, &[line]).is_err(), "{line}");
        }
    }

    #[test]
    fn only_what_was_asked_for_is_listed() {
        let names = Names::Only(vec!["refs/heads/main".into()]);
        let listing = listed(&names, &["ID refs/heads/main", "ID refs/heads/main2"]).unwrap();
        assert_eq!(listing.refs.len(), 1);
    }
}
