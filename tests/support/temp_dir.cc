#include "tests/support/temp_dir.h"

#include <cstdlib>

namespace udsrpc::testing {

TempDir::TempDir() : path_("/tmp/udsrpc.XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) std::abort();
}

TempDir::~TempDir() { std::filesystem::remove_all(path_); }

}  // namespace udsrpc::testing
