use percent_encoding::percent_decode_str;
use url::Url;

/// A repository as its host names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    /// The host's name, without user and port.
    pub(super) host: String,
    /// `acme`, `config`; two at least.
    pub(super) path: Vec<String>,
}

impl Project {
    /// Out of the address of a repository, as a URL or as `git@host:acme/config.git`; `None` for a path of this machine.
    pub(super) fn of(address: &str) -> Option<Self> {
        let (host, path) = of_url(address).or_else(|| of_scp(address))?;
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let segments = path.split('/').map(decoded);
        let path = segments.collect::<Option<Vec<_>>>()?;
        (path.len() >= 2).then_some(Self { host, path })
    }
}

fn of_url(address: &str) -> Option<(String, String)> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some((host.to_owned(), url.path().to_owned()))
}

fn of_scp(address: &str) -> Option<(String, String)> {
    let (login, path) = address.split_once(':')?;
    let is_scp = !login.contains('/') && !path.starts_with("//");
    let host = login.rsplit('@').next().filter(|host| !host.is_empty())?;
    is_scp.then(|| (host.to_owned(), path.to_owned()))
}

/// `None` for what names no folder.
fn decoded(segment: &str) -> Option<String> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    (!matches!(&*decoded, "" | "." | "..")).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_in_every_form_of_its_address() {
        for address in [
            "https://git.example/acme/config",
            "https://git.example/acme/config.git",
            "http://git.example:3000/acme/config.git/",
            "ssh://git@git.example/acme/config.git",
            "ssh://git@git.example:2222/acme/config",
            "git@git.example:acme/config.git",
            "git.example:acme/config",
            "git@git.example:/acme/config.git",
        ] {
            let project = Project::of(address).unwrap();
            assert_eq!(project.host, "git.example", "{address}");
            assert_eq!(project.path, ["acme", "config"], "{address}");
        }
        let deep = Project::of("https://git.example/acme/a%20team/config.git").unwrap();
        assert_eq!(deep.path, ["acme", "a team", "config"]);
    }

    #[test]
    fn what_lies_on_this_machine_is_no_project() {
        for address in [
            "/srv/acme/config.git",
            "file:///srv/acme/config.git",
            "./acme/config",
            "https://git.example/config.git",
            "https://git.example/acme/../config",
            "git@git.example:acme//config",
            "",
        ] {
            assert_eq!(Project::of(address), None, "{address}");
        }
    }
}
