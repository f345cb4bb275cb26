// What the command makes of what is typed, and what it says of itself.

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/cli.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr int kUsage = 2;

void ExpectUsageError(const std::vector<std::string>& arguments, const std::string& error) {
  const CliResult result = RunCli(arguments);
  EXPECT_EQ(result.code, kUsage);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, HasSubstr(error));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

TEST(CommandLineTest, WithoutACommandItSaysWhatThereIs) {
  const CliResult result = RunCli({});
  EXPECT_EQ(result.code, kUsage);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, AllOf(HasSubstr("Usage"), HasSubstr("completion"), HasSubstr("TARGET")));
}

TEST(CommandLineTest, HelpIsThereInEachWayOfAskingForIt) {
  const std::string help = RunCli({"help", "completion"}).out;
  EXPECT_THAT(help, AllOf(StartsWith("udsrpc completion: "), HasSubstr("Usage"), HasSubstr("--color")));
  EXPECT_EQ(RunCli({"completion", "--help"}).out, help);
  EXPECT_EQ(RunCli({"completion", "-h"}).out, help);
  const CliResult all = RunCli({"--help"});
  EXPECT_EQ(all.code, 0);
  EXPECT_EQ(all.out, RunCli({"help"}).out);
}

TEST(CommandLineTest, WhatIsWrongIsOneLineThatSaysWhatWasMeant) {
  ExpectUsageError({"complete"}, "there is no command \"complete\"; \"udsrpc help\" lists them");
  ExpectUsageError({"completoin", "bash"}, "did you mean completion?");
  ExpectUsageError({"completion"}, "too few arguments: it is \"udsrpc completion SHELL\"");
  ExpectUsageError({"completion", "bash", "zsh"}, "too many arguments");
  ExpectUsageError({"completion", "bash", "--colour=never"}, "there is no flag --colour here; did you mean --color?");
  ExpectUsageError({"completion", "bash", "--color"}, "--color wants a value");
  ExpectUsageError({"completion", "bash", "--color=green"}, "it must be auto, always or never");
  ExpectUsageError({"call", "./s", "a/b", "--metadata=foo"}, "--metadata=foo: it must be \"key: value\"; see");
  ExpectUsageError({"call", "./s", "a/b", "--metadata=a: b", "--metadata=foo"}, "--metadata=foo: it must be");
  ExpectUsageError({"call", "./s", "a/b", "--timeout=5"},
                   "--timeout=5: it must be a duration, as in 500ms or 1m, or inf");
  ExpectUsageError({"call", "./s", "a/b", "--timeout=0s"}, "--timeout=0s: it must be above 0");
  ExpectUsageError({"call", "./s", "a/b", "--timeout=-1s"}, "it must be above 0");
  ExpectUsageError({"trace", "./s", "--count=many"}, "--count=many: it must be a whole number");
  ExpectUsageError({"trace", "./s", "--errors", "--code=OK"}, "there is no such call");
  ExpectUsageError({"stats", "./s", "--json", "--format=prometheus"}, "give one of them");
  ExpectUsageError({"describe", "./s", ""}, "SYMBOL is empty");
  ExpectUsageError({"completion", "tcsh"}, "tcsh: it is for bash, zsh and fish");
  ExpectUsageError({"help", "nothing"}, "there is no command \"nothing\"");
}

TEST(CommandLineTest, ColorIsForTerminalsUnlessAskedFor) {
  EXPECT_THAT(RunCli({"help"}).out, Not(HasSubstr("\x1b[")));
  EXPECT_THAT(RunCli({"help", "--color=always"}).out, HasSubstr("\x1b["));
  EXPECT_THAT(RunCli({"help", "--color", "always"}).out, HasSubstr("\x1b["));
}

TEST(CommandLineTest, LostOutputIsAFailure) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"help"}, {"help", "man"}, {"--help"}, {"call", "--help"}}) {
    const CliResult result = RunCliInto("/dev/full", words);
    EXPECT_EQ(result.code, 1);
    EXPECT_THAT(result.err, HasSubstr("cannot write the output: No space left on device\n"));
  }
}

TEST(CommandLineTest, SaysItsVersion) {
  const CliResult result = RunCli({"--version"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, ContainsRegex("^udsrpc [0-9]+\\.[0-9]+\\.[0-9]+\n$"));
  EXPECT_EQ(RunCli({"version"}).out, result.out);
}

// What bash offers where the last of `words` is to be completed.
std::string Completed(const std::string& words) {
  ChildProcess bash({"bash", "-c",
                     "eval \"$(\"$0\" completion bash)\"; compopt() { :; }; COMP_WORDS=(udsrpc " + words +
                         "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _udsrpc; echo \"${COMPREPLY[*]}\"",
                     UDSRPC_CLI});
  std::string offered = bash.ReadAll();
  EXPECT_EQ(bash.Wait(), 0);
  return offered;
}

TEST(CommandLineTest, BashCompletesCommandsFlagsAndValues) {
  EXPECT_EQ(Completed("co"), "completion\n");
  EXPECT_EQ(Completed("--"), "--color= --help --version\n");
  EXPECT_EQ(Completed("help tr"), "trace\n");
  EXPECT_EQ(Completed("completion ''"), "bash zsh fish\n");
  EXPECT_EQ(Completed("list --pr"), "--proto= --proto_path=\n");
  EXPECT_EQ(Completed("list --transport ="), "auto grpc seqpacket\n");
  EXPECT_EQ(Completed("list --transport = s"), "seqpacket\n");
  const TempDir dir;
  std::ofstream(dir.File("a"));
  std::ofstream(dir.File("a.seqpacket"));
  EXPECT_EQ(Completed("list " + dir.File("")), dir.File("a") + "\n");
  std::remove(dir.File("a").c_str());
  std::remove(dir.File("a.seqpacket").c_str());
}

TEST(CommandLineTest, TheManualPageAndCompletionsKnowTheCommands) {
  EXPECT_THAT(RunCli({"help", "man"}).out, AllOf(StartsWith(".TH UDSRPC 1"), HasSubstr(".SS completion SHELL")));
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const CliResult result = RunCli({"completion", shell});
    EXPECT_EQ(result.code, 0);
    EXPECT_THAT(result.out, AllOf(HasSubstr("completion"), HasSubstr("color"))) << shell;
  }
}

}  // namespace
}  // namespace udsrpc::testing
