#include "tools/version.h"

#include <cstdio>

namespace udsrpc::tools {
namespace {

Outcome RunVersion(const std::vector<std::string>& /*arguments*/) {
  std::puts("udsrpc " UDSRPC_VERSION);
  return Outcome::Ok();
}

}  // namespace

Command VersionCommand() {
  return {.name = "version",
          .arguments = "",
          .summary = "Print the version of the program",
          .description = "\"udsrpc --version\" does the same.",
          .run = RunVersion};
}

}  // namespace udsrpc::tools
