/// Where in a long list a page is.
#[derive(Debug)]
pub(super) struct Pager {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) all: usize,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

impl Pager {
    /// `link` makes the address of a page.
    pub(super) fn new(all: usize, page: usize, size: usize, link: impl Fn(&str) -> String) -> Self {
        let pages = all.div_ceil(size).max(1);
        let page = page.clamp(1, pages);
        let first = (page - 1) * size;
        let to = |page: usize| link(&page.to_string());
        Self {
            first: first + usize::from(all > 0),
            last: (first + size).min(all),
            all,
            before: (page > 1).then(|| to(page - 1)),
            after: (page < pages).then(|| to(page + 1)),
        }
    }

    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.first.saturating_sub(1)..self.last
    }

    pub(super) fn is_one(&self) -> bool {
        self.before.is_none() && self.after.is_none()
    }
}
