use std::{
    env,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use confbus_protocol::Label;
use confbus_resolution::{Layout, Places, Root, SearchLocation};

use super::{
    SERVER,
    backends::{Common, USUAL_INTERVAL},
};
use crate::{
    environment_repository::{NativeSettings, UpstreamSettings},
    files,
    settings::reader::Reader,
};

/// Where Spring looks when nothing is said; it has a class path besides.
const USUAL_LOCATIONS: [&str; 2] = ["file:./", "file:./config/"];

/// How long a strict read waits for the disk.
const WITHIN: Duration = Duration::from_secs(5);

/// The directories of a native backend whose settings stand below `at`.
pub(super) fn native(reader: &mut Reader, at: &str, common: &Common) -> Option<NativeSettings> {
    let key = format!("{at}.search-locations");
    let mut written = reader.list(&key);
    if written.is_empty() {
        written = USUAL_LOCATIONS.map(str::to_owned).into();
    }
    let locations = written
        .iter()
        .map(|written| location(reader, &key, written))
        .collect::<Option<Vec<_>>>()?;
    let default_label = reader
        .text(&format!("{SERVER}.default-label"))
        .or_else(|| reader.text(&format!("{at}.default-label")))
        .unwrap_or_else(|| "master".into());
    let Ok(default_label) = Label::parse(&default_label) else {
        let key = format!("{at}.default-label");
        reader.refuse(
            &key,
            "the default label is not the name of a directory",
            None,
        );
        return None;
    };
    // Without effect in Spring, too: a location that is not there holds nothing.
    _ = reader.flag(&format!("{at}.fail-on-error"), false);
    let layout = Layout {
        places: Places::Directories {
            label_locations: reader.flag(&format!("{at}.add-label-locations"), true),
            roots: shown_roots(&locations),
            locations: locations.iter().map(Location::search).collect(),
        },
        default_label: Some(default_label),
        reverse_location_order: common.reverse_location_order,
    };
    Some(NativeSettings {
        files: files::Settings {
            roots: read_roots(&locations),
            display_uri: written.join(","),
            deadline: common.deadline,
            limits: common.limits,
        },
        repository: UpstreamSettings {
            layout,
            default_label: Label::parse("files").expect("`files` is a plain name"),
            try_master_branch: false,
            forget_deleted: false,
            freshness: common.freshness(reader, at, WITHIN),
            interval: Some(USUAL_INTERVAL),
            watches: true,
        },
        version: reader.text(&format!("{at}.version")),
    })
}

/// A search location, and the part of it before the first placeholder or wildcard.
struct Location {
    written: String,
    /// Without the scheme, as shown.
    shown: PathBuf,
    absolute: PathBuf,
}

fn location(reader: &mut Reader, key: &str, written: &str) -> Option<Location> {
    let plain = written.strip_prefix("optional:").unwrap_or(written);
    let path = match plain.split_once(':') {
        None => plain,
        Some(("file", path)) => path.strip_prefix("//").unwrap_or(path),
        Some(_) => {
            let text = format!("`{written}` is no directory of this machine");
            reader.refuse(key, text, Some("write file:/srv/config/ or ./config/"));
            return None;
        }
    };
    let slash = if plain.ends_with('/') { "" } else { "/" };
    let shown = clean(Path::new(path));
    let absolute = clean(&env::current_dir().unwrap_or_default().join(&shown));
    Some(Location {
        written: format!("{plain}{slash}"),
        shown,
        absolute,
    })
}

impl Location {
    fn search(&self) -> SearchLocation {
        SearchLocation {
            written: self.written.clone(),
            path: in_snapshot(&self.absolute),
        }
    }
}

/// Without `.` and, as far as there is something to leave, without `..`.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if clean.file_name().is_some() => {
                clean.pop();
            }
            component => clean.push(component),
        }
    }
    clean
}

/// `/srv/config` as `srv/config/`.
fn in_snapshot(absolute: &Path) -> String {
    let path = absolute.display().to_string();
    let path = path.trim_matches('/');
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    }
}

/// What stands before the first placeholder or wildcard.
fn fixed_part(path: &Path) -> PathBuf {
    let is_fixed = |component: &Component<'_>| {
        let text = component.as_os_str().to_string_lossy();
        !text.contains(['{', '*'])
    };
    path.components().take_while(is_fixed).collect()
}

/// The most exact first.
fn shown_roots(locations: &[Location]) -> Vec<Root> {
    let mut roots: Vec<_> = locations
        .iter()
        .map(|location| {
            let shown = fixed_part(&location.shown).display().to_string();
            let slash = if shown.is_empty() || shown.ends_with('/') {
                ""
            } else {
                "/"
            };
            Root {
                path: in_snapshot(&fixed_part(&location.absolute)),
                shown: format!("{shown}{slash}"),
            }
        })
        .collect();
    roots.sort_by_key(|root| std::cmp::Reverse(root.path.len()));
    roots
}

/// Each directory once, and none below another.
fn read_roots(locations: &[Location]) -> Vec<files::Root> {
    let mut directories: Vec<PathBuf> = locations
        .iter()
        .map(|location| fixed_part(&location.absolute))
        .collect();
    directories.sort();
    let mut roots: Vec<files::Root> = Vec::new();
    for directory in directories {
        if !roots
            .iter()
            .any(|root| directory.starts_with(&root.directory))
        {
            roots.push(files::Root {
                path: in_snapshot(&directory),
                directory,
            });
        }
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(written: &str, shown: &str) -> Location {
        let shown = clean(Path::new(shown));
        Location {
            written: written.into(),
            absolute: clean(&Path::new("/home/me").join(&shown)),
            shown,
        }
    }

    #[test]
    fn roots_are_what_is_fixed() {
        let locations = [
            located("file:/srv/nat/", "/srv/nat"),
            located("file:/srv/nat/{profile}/", "/srv/nat/{profile}"),
            located("./", "./"),
            located("file:../apps/*/", "../apps/*"),
        ];
        let read: Vec<_> = read_roots(&locations)
            .into_iter()
            .map(|root| root.path)
            .collect();
        assert_eq!(read, ["home/apps/", "home/me/", "srv/nat/"]);
        let shown: Vec<_> = shown_roots(&locations)
            .into_iter()
            .map(|root| (root.path, root.shown))
            .collect();
        let expected = [
            ("home/apps/", "../apps/"),
            ("srv/nat/", "/srv/nat/"),
            ("srv/nat/", "/srv/nat/"),
            ("home/me/", ""),
        ];
        assert_eq!(
            shown,
            expected.map(|(path, shown)| (path.to_owned(), shown.to_owned()))
        );
    }
}
