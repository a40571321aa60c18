//! What the tests of every store hold of its identity.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{Place, file};

/// A setting, and what gives it another value.
pub(crate) type Change<P> = (&'static str, fn(&mut P));

/// Holds that each of the settings in `told` leads to a file of its own, and none of those in `untold` to another one.
pub(crate) fn is_made_of<P: Place + Clone>(place: &P, told: &[Change<P>], untold: &[Change<P>]) {
    let mut files = HashMap::from([(file_after(place, |_| {}), "nothing")]);
    for (setting, change) in told {
        let other = files.insert(file_after(place, *change), setting);
        assert_eq!(other, None, "{setting} is not told");
    }
    for (setting, change) in untold {
        let other = files.get(&file_after(place, *change));
        assert_eq!(other, Some(&"nothing"), "{setting} is told");
    }
}

fn file_after<P: Place + Clone>(place: &P, change: fn(&mut P)) -> PathBuf {
    let mut changed = place.clone();
    change(&mut changed);
    file(Path::new("answers"), &changed, 8888)
}
