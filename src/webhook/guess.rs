//! Whom a change concerns, guessed from the names of files as Spring Cloud Config Monitor does.

use indexmap::IndexSet;

/// Stands for everyone.
const EVERYONE: &str = "*";

/// The names for all paths, each once, in order.
///
/// Which dash splits the application from the profile nobody can tell, so every one is tried. Beyond the limits the
/// guess is everyone: too many are told rather than too few.
pub(crate) fn names(paths: &[String], max_paths: usize, max_dashes: usize) -> Vec<String> {
    let stems = || paths.iter().map(|path| stem(path));
    if paths.len() > max_paths || stems().any(|stem| stem.matches('-').count() > max_dashes) {
        return vec![EVERYONE.to_owned()];
    }
    let names: IndexSet<&str> = stems().flat_map(prefixes).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// The file name without directories and without its last extension.
fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The stem, then what stands before its last dash, and so on; `application` means everyone.
fn prefixes(stem: &str) -> impl Iterator<Item = &str> {
    let shorter = |name: &str| name.rfind('-');
    std::iter::successors(Some(stem), move |name: &&str| Some(&name[..shorter(name)?])).map(
        |name| {
            if name == "application" {
                EVERYONE
            } else {
                name
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_guessed_as_spring_guesses() {
        for (path, expected) in [
            ("application.yml", &["*"][..]),
            ("application-dev.yml", &["application-dev", "*"]),
            (
                "dir/application-x-y.yml",
                &["application-x-y", "application-x", "*"],
            ),
            ("foo.yml", &["foo"]),
            ("foo-dev.yml", &["foo-dev", "foo"]),
            ("foo-bar-dev.yml", &["foo-bar-dev", "foo-bar", "foo"]),
            ("config/foo/application.yml", &["*"]),
            (r"C:\config\foo.yml", &["foo"]),
            ("applicationx.yml", &["applicationx"]),
            ("foo.tar.gz", &["foo.tar"]),
            (".gitignore", &[""]),
            ("dir/", &[""]),
            ("", &[""]),
            ("foo-.yml", &["foo-", "foo"]),
            ("*", &["*"]),
            ("foo:dev.yml", &["foo:dev"]),
            ("été-dév.yml", &["été-dév", "été"]),
        ] {
            assert_eq!(names(&[path.to_owned()], 20, 20), expected, "{path}");
        }
    }

    #[test]
    fn a_name_comes_once() {
        let paths = ["foo-dev.yml", "foo.yml", "bar-x.yml"].map(str::to_owned);
        assert_eq!(names(&paths, 20, 20), ["foo-dev", "foo", "bar-x", "bar"]);
    }

    #[test]
    fn beyond_the_limits_everyone_is_told() {
        let paths: Vec<_> = (0..21).map(|index| format!("app{index}.yml")).collect();
        assert_eq!(names(&paths, 20, 20), ["*"]);
        assert_eq!(names(&["a-".repeat(21)], 20, 20), ["*"]);
        assert_eq!(names(&["a-".repeat(20)], 20, 20).len(), 21);
    }
}
