//! What is asked of a statement before a run, and the file that it becomes.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use assize::outcome::RunReport;
use assize::report::manifest::MANIFEST;
use assize::report::statement::{Catalogue, Conformance, Statement};
use assize::secret::Secrets;
use assize::source::Source;
use assize::suite::model::Suite;
use assize::tape::sha256;
use assize::target::file::read;
use assize::target::settings::Vendor;

use crate::aim::FILE;
use crate::args;
use crate::artefact::Artefact;
use crate::output::{complain, diagnostics};

/// A statement that is to be written.
pub(crate) struct Draft {
    path: PathBuf,
    file: Artefact,
    vendor: Vendor,
}

/// Who says what a statement says, if one is wanted. `known` is what is known besides the flags.
pub(crate) fn vendor(flags: &args::Statement, known: &Vendor) -> anyhow::Result<Option<Vendor>> {
    if flags.statement.is_none() {
        return Ok(None);
    }
    let mut missing = Vec::new();
    let mut take = |flag: &Option<String>, known: &str, name: &str, key: &str| {
        let text = flag.as_deref().unwrap_or(known).trim().to_owned();
        if text.is_empty() {
            missing.push((name.to_owned(), key.to_owned()));
        }
        text
    };
    let vendor = Vendor {
        organisation: take(
            &flags.organisation,
            &known.organisation,
            "--organisation",
            "organisation",
        ),
        product: take(&flags.product, &known.product, "--product", "product"),
        version: take(
            &flags.product_version,
            &known.version,
            "--product-version",
            "version",
        ),
        contact: take(&flags.contact, &known.contact, "--contact", "contact"),
    };
    if !missing.is_empty() {
        let (names, keys): (Vec<_>, Vec<_>) = missing.into_iter().unzip();
        let given: Vec<String> = names.iter().map(|name| format!("{name} TEXT")).collect();
        let keys: Vec<String> = keys.iter().map(|key| format!("{key} = \"…\"")).collect();
        bail!(
            "a statement says who makes what and whom to ask; give {}, or write below [statement] in {FILE}: {}",
            given.join(" "),
            keys.join(", ")
        );
    }
    Ok(Some(vendor))
}

impl Draft {
    /// Makes sure that it can be written, on the word of somebody.
    pub(crate) fn open(
        flags: &args::Statement,
        vendor: Option<Vendor>,
    ) -> anyhow::Result<Option<Self>> {
        let (Some(path), Some(vendor)) = (&flags.statement, vendor) else {
            return Ok(None);
        };
        Ok(Some(Self {
            path: path.clone(),
            file: Artefact::open(path)?,
            vendor,
        }))
    }

    /// Writes it, and says what it says.
    pub(crate) fn close(
        self,
        report: &RunReport,
        suite: &Suite,
        catalogue: &Catalogue,
        evidence: &Path,
        secrets: &Secrets,
    ) -> anyhow::Result<()> {
        let statement = Statement::of(
            report,
            suite,
            catalogue,
            &self.vendor,
            &digest_of(evidence)?,
        );
        let text = statement.text().map_err(anyhow::Error::msg)?;
        self.file.close(&text, secrets)?;
        complain(&format!(
            "{}: {}\n",
            self.path.display(),
            statement.verdict.as_str()
        ));
        let levels = &statement.levels;
        for (name, level) in [("must", &levels.must), ("should", &levels.should)] {
            if level.verdict != Conformance::Conformant {
                complain(&format!("  {name}: {}\n", level.verdict.as_str()));
            }
            for cause in &level.because {
                complain(&format!("    {cause}\n"));
            }
        }
        Ok(())
    }
}

/// Refuses a suite of which nothing can be stated.
pub(crate) fn speaks_of(suite: &Suite) -> anyhow::Result<()> {
    if suite.requirements.is_empty() {
        bail!(
            "the suite {} has no requirements, and a statement says which hold; leave out --statement, or name a suite that has some",
            suite.name
        );
    }
    Ok(())
}

/// The SHA-256 of the manifest of a directory of evidence.
pub(crate) fn digest_of(evidence: &Path) -> anyhow::Result<String> {
    let path = evidence.join(MANIFEST);
    let bytes =
        std::fs::read(&path).with_context(|| format!("{} cannot be read again", path.display()))?;
    Ok(sha256(&bytes))
}

/// What a target file says of who makes the product; `None` where the file is wrong, as was told.
pub(crate) fn of_file(
    flags: &args::Statement,
    target: Option<&Path>,
) -> anyhow::Result<Option<Vendor>> {
    let path = match target.unwrap_or(Path::new(FILE)) {
        _ if flags.statement.is_none() => return Ok(Some(Vendor::default())),
        path if target.is_none() && !path.is_file() => return Ok(Some(Vendor::default())),
        path => path,
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let source = Source::new(path.display().to_string(), text);
    // Nobody proves who it is here, so that no variable and no other file is looked at.
    match read(&source, &|_| Ok(None)) {
        Ok(settings) => Ok(Some(settings.statement)),
        Err(found) => {
            diagnostics(&found);
            Ok(None)
        }
    }
}
