//! The stylesheet, the script and the icon, under names that change with what is in them.

use std::sync::LazyLock;

use aws_lc_rs::digest;

/// A file that browsers may keep for good.
#[derive(Debug)]
pub(crate) struct Asset {
    /// `style-0f3c9a1be27d44c5`: without an extension, so that it needs no harmless file name.
    pub(crate) name: String,
    pub(crate) content_type: &'static str,
    pub(crate) body: &'static str,
}

pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "style",
        "text/css;charset=utf-8",
        include_str!("assets/style.css"),
    )
});
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "script",
        "text/javascript;charset=utf-8",
        include_str!("assets/script.js"),
    )
});
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "image/svg+xml", include_str!("assets/icon.svg")));

impl Asset {
    fn new(kind: &str, content_type: &'static str, body: &'static str) -> Self {
        let digest = digest::digest(&digest::SHA256, body.as_bytes());
        let hash = crate::hex::encoded(&digest.as_ref()[..8]);
        Self {
            name: format!("{kind}-{hash}"),
            content_type,
            body,
        }
    }
}

/// The one of this name.
pub(crate) fn asset(name: &str) -> Option<&'static Asset> {
    [&STYLE, &SCRIPT, &ICON]
        .into_iter()
        .map(|asset| &**asset)
        .find(|asset| asset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_small_and_load_nothing() {
        for asset in [&*STYLE, &*SCRIPT] {
            assert!(asset.body.len() <= 14 * 1000, "{}", asset.name);
            assert!(!asset.body.contains("http"), "{}", asset.name);
        }
        assert_eq!(asset(&STYLE.name).unwrap().body, STYLE.body);
        assert!(asset("style-0").is_none());
    }
}
