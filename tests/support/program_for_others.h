#ifndef UDSRPC_TESTS_SUPPORT_PROGRAM_FOR_OTHERS_H_
#define UDSRPC_TESTS_SUPPORT_PROGRAM_FOR_OTHERS_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/support/temp_dir.h"

namespace udsrpc::testing {

// A copy of a program that other users can run, who need not be able to reach the folder in which it was built. With
// it goes what ThreadSanitizer is told.
class ProgramForOthers {
 public:
  explicit ProgramForOthers(const std::string& program) : program_(directory_.File("program")) {
    std::filesystem::copy_file(program, program_);
    const char* const options = std::getenv("TSAN_OPTIONS");
    absl::string_view suppressions = options != nullptr ? options : "";
    if (absl::ConsumePrefix(&suppressions, "suppressions=")) {
      std::filesystem::copy_file(std::string(suppressions), directory_.File("suppressions"));
      chmod(directory_.File("suppressions").c_str(), 0644);
      environment_ = absl::StrCat("TSAN_OPTIONS=suppressions=", directory_.File("suppressions"));
    }
    chmod(program_.c_str(), 0755);
    chmod(directory_.path().c_str(), 0755);
  }

  // The beginning of a command that runs it as that user; needs root. `groups` are the supplementary ones, by commas.
  std::vector<std::string> As(uid_t uid, gid_t gid, const std::string& groups) const {
    return {"setpriv",
            absl::StrCat("--reuid=", uid),
            absl::StrCat("--regid=", gid),
            "--groups=" + groups,
            "env",
            environment_,
            program_};
  }

 private:
  const TempDir directory_;
  const std::string program_;
  std::string environment_ = "TSAN_OPTIONS=";
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_PROGRAM_FOR_OTHERS_H_
