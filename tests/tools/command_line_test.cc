// What the command makes of what is typed, and what it says of itself.

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tools/cli.h"

namespace udsrpc::testing {
namespace {

using ::testing::AllOf;
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
  ExpectUsageError({"completion", "tcsh"}, "tcsh: it is for bash, zsh and fish");
  ExpectUsageError({"help", "nothing"}, "there is no command \"nothing\"");
}

TEST(CommandLineTest, ColorIsForTerminalsUnlessAskedFor) {
  EXPECT_THAT(RunCli({"help"}).out, Not(HasSubstr("\x1b[")));
  EXPECT_THAT(RunCli({"help", "--color=always"}).out, HasSubstr("\x1b["));
  EXPECT_THAT(RunCli({"help", "--color", "always"}).out, HasSubstr("\x1b["));
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
