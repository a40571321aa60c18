//! A page -> what its reader does, in order.

/// What a page tells its reader to do.
pub(super) struct Page {
    pub(super) steps: Vec<Step>,
}

pub(super) enum Step {
    /// Writes a file.
    Write { path: String, text: String },
    /// Types commands.
    Type {
        terminal: Option<String>,
        exit: i32,
        commands: Vec<Command>,
    },
    /// Sees what another terminal writes meanwhile.
    See {
        terminal: String,
        output: Vec<String>,
    },
}

pub(super) struct Command {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) output: Vec<String>,
}

/// What stands behind the language of a block.
#[derive(Default)]
struct Info {
    is_console: bool,
    terminal: Option<String>,
    file: Option<String>,
    exit: i32,
    is_skipped: bool,
}

impl Page {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let Some(info) = line.strip_prefix("```") else {
                continue;
            };
            let block: Vec<_> = lines
                .by_ref()
                .take_while(|(_, line)| !line.starts_with("```"))
                .collect();
            let info =
                Info::parse(info).map_err(|error| format!("line {}: {error}", number + 1))?;
            steps.extend(info.step(&block)?);
        }
        Ok(Self { steps })
    }

    pub(super) fn needs_broker(&self) -> bool {
        self.all_commands()
            .any(|command| command.text.contains("localhost:5672"))
    }

    pub(super) fn commands(&self) -> usize {
        self.all_commands().count()
    }

    fn all_commands(&self) -> impl Iterator<Item = &Command> {
        self.steps.iter().flat_map(|step| match step {
            Step::Type { commands, .. } => &commands[..],
            Step::Write { .. } | Step::See { .. } => &[],
        })
    }
}

impl Info {
    fn parse(text: &str) -> Result<Self, String> {
        let (language, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut info = Self {
            is_console: language == "console",
            ..Self::default()
        };
        if let Some((_, _reason)) = rest.split_once("skip=") {
            info.is_skipped = true;
            return Ok(info);
        }
        for word in rest.split_whitespace() {
            match word.split_once('=') {
                Some(("terminal", name)) => info.terminal = Some(name.to_owned()),
                Some(("file", path)) => info.file = Some(path.to_owned()),
                Some(("exit", code)) => {
                    info.exit = code.parse().map_err(|_| "an exit code is a number")?;
                }
                _ => return Err(format!("nothing is known of `{word}`")),
            }
        }
        Ok(info)
    }

    fn step(self, block: &[(usize, &str)]) -> Result<Option<Step>, String> {
        if self.is_skipped {
            return Ok(None);
        }
        if let Some(path) = self.file {
            let text = block.iter().map(|(_, line)| format!("{line}\n")).collect();
            return Ok(Some(Step::Write { path, text }));
        }
        if !self.is_console {
            return Ok(None);
        }
        let mut commands: Vec<Command> = Vec::new();
        let mut output = Vec::new();
        for &(number, line) in block {
            if let Some(text) = line.strip_prefix("$ ") {
                commands.push(Command {
                    line: number + 1,
                    text: text.to_owned(),
                    output: Vec::new(),
                });
            } else if let Some(command) = commands.last_mut() {
                if command.output.is_empty() && command.text.ends_with('\\') {
                    command.text = format!("{}\n{line}", command.text);
                } else {
                    command.output.push(line.to_owned());
                }
            } else {
                output.push(line.to_owned());
            }
        }
        match self.terminal {
            Some(terminal) if commands.is_empty() => Ok(Some(Step::See { terminal, output })),
            None if commands.is_empty() => Err("a block of commands without any".to_owned()),
            terminal => Ok(Some(Step::Type {
                terminal,
                exit: self.exit,
                commands,
            })),
        }
    }
}
