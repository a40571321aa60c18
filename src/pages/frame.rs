use super::{
    assets::{ICON, SCRIPT, STYLE},
    moment::Moment,
};

/// How pages present this server.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `confbus.ui.enabled`: whether there are pages at all. On by default.
    pub(crate) enabled: bool,
    /// `confbus.ui.name`: what this server is called; `confbus` by default.
    pub(crate) name: String,
    /// `confbus.ui.color`: the line at the top; none by default.
    pub(crate) color: Option<Color>,
}

/// A colour that tells one server from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    Red,
    Amber,
    Green,
    Blue,
    Violet,
    Grey,
}

/// Where in the navigation a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Overview,
    Instances,
    Diff,
    Refreshes,
    Held,
    Delivery,
    Settings,
    Elsewhere,
}

/// What is around every page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// Where pages begin: `/_`, after the context path.
    pub(crate) base: String,
    pub(crate) settings: Settings,
    pub(crate) place: Place,
    /// Who looks.
    pub(crate) caller: String,
    /// Files that are held back; nothing for whoever may not know.
    pub(crate) held: usize,
    /// Addresses that somebody holds at a commit, of those that the caller sees.
    pub(crate) pinned: usize,
    /// When the page was made.
    pub(crate) time: Moment,
}

/// A page with what is around it.
pub(crate) trait Framed: askama::Template {
    fn frame(&self) -> &Frame;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            name: "confbus".to_owned(),
            color: None,
        }
    }
}

impl Color {
    /// All that have a name.
    pub(crate) const NAMES: &str = "`red`, `amber`, `green`, `blue`, `violet` and `grey`";

    pub(crate) fn named(name: &str) -> Option<Self> {
        [
            Self::Red,
            Self::Amber,
            Self::Green,
            Self::Blue,
            Self::Violet,
            Self::Grey,
        ]
        .into_iter()
        .find(|color| color.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Amber => "amber",
            Self::Green => "green",
            Self::Blue => "blue",
            Self::Violet => "violet",
            Self::Grey => "grey",
        }
    }
}

impl Frame {
    pub(super) fn style(&self) -> String {
        format!("{}/assets/{}", self.base, STYLE.name)
    }

    pub(super) fn icon(&self) -> String {
        format!("{}/assets/{}", self.base, ICON.name)
    }

    pub(super) fn script(&self) -> String {
        format!("{}/assets/{}", self.base, SCRIPT.name)
    }

    pub(super) fn color(&self) -> &'static str {
        self.settings.color.map_or("none", Color::name)
    }

    /// Address, word, shortcut and whether it is this page.
    pub(super) fn navigation(&self) -> [(&'static str, &'static str, char, bool); 7] {
        [
            ("/", "Overview", 'o', Place::Overview),
            ("/instances", "Instances", 'i', Place::Instances),
            ("/diff", "Diff", 'd', Place::Diff),
            ("/refreshes", "Refreshes", 'r', Place::Refreshes),
            ("/quarantine", "Quarantine", 'q', Place::Held),
            ("/delivery", "Delivery", 'b', Place::Delivery),
            ("/settings", "Settings", 's', Place::Settings),
        ]
        .map(|(path, word, key, place)| (path, word, key, place == self.place))
    }
}
