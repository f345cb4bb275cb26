#ifndef UDSRPC_TESTS_SUPPORT_TEMP_DIR_H_
#define UDSRPC_TESTS_SUPPORT_TEMP_DIR_H_

#include <filesystem>
#include <string>

namespace udsrpc::testing {

// A directory of the test's own, with a short path (socket addresses are short), removed with all that is in it.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  bool IsEmpty() const { return std::filesystem::is_empty(path_); }

 private:
  std::string path_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_TEMP_DIR_H_
