#include "tests/tools/cli.h"

#include <fstream>
#include <sstream>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace udsrpc::testing {
namespace {

std::string ContentsOf(const std::string& path) {
  std::ostringstream contents;
  contents << std::ifstream(path).rdbuf();
  return contents.str();
}

}  // namespace

std::vector<std::string> CliArguments(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{UDSRPC_CLI};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

CliResult RunCli(const std::vector<std::string>& arguments, const std::string& input) {
  return RunCliInto("/dev/stdout", arguments, input);
}

CliResult RunCliInto(const std::string& out, const std::vector<std::string>& arguments, const std::string& input) {
  const TempDir dir;
  const std::string in = dir.path() + "/in";
  const std::string err = dir.path() + "/err";
  std::ofstream(in) << input;
  std::vector<std::string> words{
      "sh", "-c", "in=$1 err=$2 out=$3; shift 3; exec \"$@\" <\"$in\" 2>\"$err\" >\"$out\"", "sh", in, err, out};
  for (const std::string& word : CliArguments(arguments)) words.push_back(word);
  ChildProcess child(words);
  CliResult result;
  result.out = child.ReadAll();
  result.code = child.Wait().value_or(-1);
  result.err = ContentsOf(err);
  return result;
}

}  // namespace udsrpc::testing
