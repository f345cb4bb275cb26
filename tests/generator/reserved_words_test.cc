#include "proto/generator/reserved_words.h"

#include "gtest/gtest.h"

namespace udsrpc::generator {
namespace {

TEST(IsReservedWordTest, KeywordsOperatorsAndMacros) {
  for (const char* word :
       {"alignas", "and_eq", "char8_t", "co_await", "concept", "contract_assert", "delete", "operator", "requires",
        "typeof", "xor_eq", "NULL", "assert", "errno", "linux", "va_start"}) {
    EXPECT_TRUE(IsReservedWord(word)) << word;
  }
}

TEST(IsReservedWordTest, WordsThatAFunctionMayHave) {
  for (const char* word : {"", "Delete", "delete_", "final", "override", "import", "module", "main", "std", "udsrpc",
                           "SayHello", "Async"}) {
    EXPECT_FALSE(IsReservedWord(word)) << word;
  }
}

}  // namespace
}  // namespace udsrpc::generator
