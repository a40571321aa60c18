//! Pages for people below `/_/`. Handlers gather facts that the caller may see, and `crate::pages` makes a page of them.

mod answers;
mod changes;
mod inspections;
mod reads;
mod token;
mod writes;

pub(super) use answers::{failure, has};
pub(super) use changes::{Changes, stream};
pub(super) use inspections::{configuration, diff, history, key};
pub(super) use reads::{
    asset, delivery, held, instance, instances, missing, overview, refresh, refreshes, search,
    settings,
};
pub(super) use token::Tokens;
pub(super) use writes::{
    ask_pin, ask_refresh, ask_release, pin as do_pin, refresh as do_refresh, release as do_release,
};
