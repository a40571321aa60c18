use std::fmt;

/// The name of a kind of mistake, as `docs/errors` has a page for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

macro_rules! codes {
    ($($(#[doc = $text:literal])* $name:ident = $number:literal, $title:literal;)*) => {
        impl Code {
            $($(#[doc = $text])* pub(crate) const $name: Self = Self($number);)*

            /// All that a check may find.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What kind of mistake it is, in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self.0 {
                    $($number => $title,)*
                    _ => "A mistake",
                }
            }
        }
    };
}

codes! {
    /// A line stands too far to the left or right.
    INDENTATION = 2001, "A line is indented wrongly";
    /// A key stands twice.
    TWICE = 2002, "A key stands twice";
    /// Against a schema.
    SCHEMA = 2003, "A value is not as its schema says";
    /// A tab indents.
    TAB = 2004, "A tab where only spaces may stand";
    /// Placeholders lead in a circle.
    CIRCLE = 2005, "A placeholder leads back to itself";
    /// A placeholder leads nowhere.
    PLACEHOLDER = 2006, "A placeholder leads nowhere";
    /// Too much of something.
    LIMIT = 2008, "More than is read";
    /// A list and something else of the same name.
    CLASH = 2009, "A list where a value or a section stands";
    /// A key that the schema does not know.
    UNKNOWN_KEY = 2010, "A key that the schema does not know";
    /// A secret that anybody can read.
    CLEAR_TEXT = 2011, "A secret in clear text";
    /// A quote or bracket that is not closed.
    OPEN = 2013, "A quote or a bracket is not closed";
    /// Text that YAML takes for something else.
    QUOTES = 2014, "A text needs quotes, or a key its colon";
    /// An alias of nothing.
    ANCHOR = 2015, "An alias without its anchor";
    /// Nothing to merge.
    MERGE = 2016, "Nothing to merge";
    /// Bytes that are no text.
    ENCODING = 2017, "Bytes that are no text";
    /// A backslash that leads nowhere.
    ESCAPE = 2018, "A backslash that leads nowhere";
    /// XML that Java does not read.
    XML = 2019, "XML that holds no properties";
    /// Profiles chosen where they may not be.
    PROFILES = 2020, "Profiles are chosen where they may not be";
    /// A schema that is none.
    NO_SCHEMA = 2021, "A file is no JSON Schema";
    /// The file is elsewhere.
    POINTER = 2022, "The file itself is elsewhere";
    /// A key that is none.
    KEY = 2023, "A key that is none";
    /// A value that cannot be decrypted.
    CIPHER = 7001, "A value cannot be decrypted";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CB{:04}", self.0)
    }
}
