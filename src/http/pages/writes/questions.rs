//! What is asked before something is done.

use super::form::Form;
use crate::{
    http::access::Asking,
    ledger::short,
    pages::{Field, Preview},
    pins::{Address, Pin},
};

/// What is pinned, and where, in a form.
pub(super) const PINNED: [&str; 4] = ["application", "profile", "label", "commit"];

pub(super) fn refresh_form(asking: &Asking, form: &Form) -> Confirmed {
    let to = Field {
        name: "to",
        label: "Who",
        hint: "An application, as shop or shop:prod; empty for everyone.",
        value: form.text("to"),
        required: false,
    };
    Confirmed {
        title: "Refresh",
        effect: "Looks for new commits now, and tells those who are named to ask again, changed or not. They look within their window.".to_owned(),
        action: "/refresh".to_owned(),
        preview: None,
        decided: Vec::new(),
        fields: with_reason(asking, form, vec![to]),
        button: "Refresh",
    }
}

pub(super) fn pin_form(asking: &Asking, form: &Form) -> Confirmed {
    let hours = Field {
        name: "hours",
        label: "Hours",
        hint: "Four when nothing is said; then it ends by itself.",
        value: form.text("hours"),
        required: false,
    };
    let commit = form.text("commit");
    Confirmed {
        title: "Pin",
        effect: format!(
            "Holds {} at {}, whatever its label names, and tells the application. Nothing changes in Git.",
            pinned(form),
            short(commit.trim())
        ),
        action: "/pin".to_owned(),
        preview: None,
        decided: PINNED.map(|name| (name, form.text(name))).to_vec(),
        fields: with_reason(asking, form, vec![hours]),
        button: "Pin",
    }
}

/// What is asked for before a pin is shown.
pub(super) fn choice_fields(form: &Form) -> Vec<Field> {
    let field = |name, label, hint, required| Field {
        name,
        label,
        hint,
        value: form.text(name),
        required,
    };
    vec![
        field("application", "Application", "", true),
        field("profile", "Profile", "Empty for any.", false),
        field("label", "Label", "Empty for any.", false),
        field("commit", "Commit", "At least seven digits.", true),
    ]
}

/// The address of a form; what is left empty is any.
pub(super) fn pinned(form: &Form) -> Address {
    let said = |name| Some(form.text(name).trim().to_owned()).filter(|text| !text.is_empty());
    Address {
        application: form.text("application").trim().to_owned(),
        profile: said("profile"),
        label: said("label"),
    }
}

pub(super) fn release_form(asking: &Asking, pin: &Pin, form: &Form) -> Confirmed {
    Confirmed {
        title: "Let go",
        effect: format!(
            "{} is held at {} by {}: {}. Letting go gives it what its label names, and tells the application.",
            pin.address,
            pin.commit.short(),
            pin.by,
            pin.reason
        ),
        action: format!("/pins/{}/release", pin.id),
        preview: None,
        decided: Vec::new(),
        fields: with_reason(asking, form, Vec::new()),
        button: "Let go",
    }
}

/// Why, and who, where the server does not know that.
fn with_reason(asking: &Asking, form: &Form, mut fields: Vec<Field>) -> Vec<Field> {
    fields.push(Field {
        name: "reason",
        label: "Reason",
        hint: "One line; it stands in the log.",
        value: form.text("reason"),
        required: true,
    });
    if asking.caller.proved().is_none() {
        fields.push(Field {
            name: "name",
            label: "Your name",
            hint: "This server does not ask who you are, so say it.",
            value: form.text("name"),
            required: true,
        });
    }
    fields
}

/// A form that is not on a page yet.
pub(super) struct Confirmed {
    pub(super) title: &'static str,
    pub(super) effect: String,
    pub(super) action: String,
    /// What that changes, where it is shown.
    pub(super) preview: Option<Preview>,
    /// What was decided on the page before.
    pub(super) decided: Vec<(&'static str, String)>,
    pub(super) fields: Vec<Field>,
    pub(super) button: &'static str,
}
