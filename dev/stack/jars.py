"""Java and the jars that a pom.xml names, resolved by Maven: of Apache Kafka, unless another is given."""

import asyncio
import hashlib
import os
import re
import shutil
from pathlib import Path

from dev.stack.errors import StackError

__all__ = ["find_java", "resolve_jars"]

_POM = Path(__file__).with_name("pom.xml")
ROOT_VAR = Path(__file__).resolve().parents[2] / "var"
_OLDEST_JAVA = 17


async def _run(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = await process.communicate()
    except BaseException:
        process.kill()
        raise
    return process.returncode or 0, output.decode(errors="replace")


async def find_java() -> str:
    """The path of a Java that Kafka's broker runs on.

    Raises:
        StackError: there is none, or only an older one.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home) / "bin" / "java")) if home else None
    java = java or shutil.which("java")
    if java is None:
        raise StackError(
            "BROKER=kafka needs Java 17 or later, and there is no `java` in PATH (nor JAVA_HOME).\n"
            "On Debian and Ubuntu: apt-get install openjdk-17-jre-headless maven. Without it, leave BROKER out: the "
            "embedded broker needs neither."
        )
    _, text = await _run(java, "-version")
    match = re.search(r'version "(\d+)', text)
    if match is None or int(match[1]) < _OLDEST_JAVA:
        raise StackError(
            f"BROKER=kafka needs Java 17 or later, and {java} says: {text.strip()[:80] or 'nothing'}\n"
            "On Debian and Ubuntu: apt-get install openjdk-17-jre-headless, then set JAVA_HOME."
        )
    return java


async def resolve_jars(pom: Path = _POM) -> Path:
    """The directory of the jars of a pom.xml, Apache Kafka's if none is given; resolved once for each content of it.

    Raises:
        StackError: Maven is missing or cannot resolve them.
    """
    version = hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    jars = ROOT_VAR / "kafka-jars" / version
    if jars.exists():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise StackError(
            "BROKER=kafka needs Maven to resolve Apache Kafka, and there is no `mvn` in PATH.\n"
            "On Debian and Ubuntu: apt-get install maven. Without it, leave BROKER out for the embedded broker."
        )
    partial = jars.with_name(f"{version}.{os.getpid()}")
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    code, text = await _run(
        maven, "-q", "-B", "-f", str(pom), goal, "-DincludeScope=runtime", f"-DoutputDirectory={partial}"
    )
    if code != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise StackError(f"Maven could not resolve the jars of {pom.name}:\n{text[-3000:]}")
    try:
        partial.rename(jars)
    except OSError:  # another start was quicker
        shutil.rmtree(partial, ignore_errors=True)
    return jars
