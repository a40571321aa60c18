//! The lines of Spring that are tried.

use std::path::PathBuf;
use std::process::Command;

use crate::interop::jdk;

/// A line, called as its profile in Maven is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::interop) enum Line {
    /// Boot 4.0, Spring Cloud 2025.1.
    #[value(name = "boot-4.0")]
    Boot40,
    /// Boot 3.5, Spring Cloud 2025.0.
    #[value(name = "boot-3.5")]
    Boot35,
    /// Boot 2.7, Spring Cloud 2021.0.
    #[value(name = "boot-2.7")]
    Boot27,
    /// Boot 2.3, Spring Cloud Hoxton: what courses teach.
    #[value(name = "boot-2.3")]
    Boot23,
}

impl Line {
    pub(in crate::interop) fn name(self) -> &'static str {
        match self {
            Self::Boot40 => "boot-4.0",
            Self::Boot35 => "boot-3.5",
            Self::Boot27 => "boot-2.7",
            Self::Boot23 => "boot-2.3",
        }
    }

    /// The path of the endpoint that sends a refresh event.
    pub(in crate::interop) fn busrefresh(self) -> &'static str {
        match self {
            Self::Boot40 | Self::Boot35 | Self::Boot27 => "/actuator/busrefresh",
            Self::Boot23 => "/actuator/bus-refresh",
        }
    }

    /// The path of the endpoint that changes a value in every environment.
    pub(in crate::interop) fn busenv(self) -> &'static str {
        match self {
            Self::Boot40 | Self::Boot35 | Self::Boot27 => "/actuator/busenv",
            Self::Boot23 => "/actuator/bus-env",
        }
    }

    /// Builds the application and says where its jar lies.
    pub(in crate::interop) fn package(self) -> anyhow::Result<PathBuf> {
        jdk::package("spring-bus-client", Some(self.name()))
    }

    /// A Java for the application.
    pub(in crate::interop) fn java(self) -> Command {
        let mut command = jdk::java();
        if self == Self::Boot23 {
            // Its CGLIB is older than the JDK's modules.
            command.args(["--add-opens", "java.base/java.lang=ALL-UNNAMED"]);
        }
        command
    }
}
