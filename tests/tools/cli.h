#ifndef UDSRPC_TESTS_TOOLS_CLI_H_
#define UDSRPC_TESTS_TOOLS_CLI_H_

#include <string>
#include <vector>

namespace udsrpc::testing {

// What a run of the command has printed, and its exit code, or minus the signal that ended it.
struct CliResult {
  int code = -1;
  std::string out;
  std::string err;
};

// Runs `udsrpc ARGUMENTS...` with that on its standard input, to its end.
CliResult RunCli(const std::vector<std::string>& arguments, const std::string& input = "");

// Runs it with its standard output at that file, which is opened for writing.
CliResult RunCliInto(const std::string& out, const std::vector<std::string>& arguments, const std::string& input = "");

// The arguments that run it as a ChildProcess, its standard error being the test's.
std::vector<std::string> CliArguments(const std::vector<std::string>& arguments);

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_TOOLS_CLI_H_
