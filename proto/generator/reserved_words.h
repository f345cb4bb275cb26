#ifndef UDSRPC_PROTO_GENERATOR_RESERVED_WORDS_H_
#define UDSRPC_PROTO_GENERATOR_RESERVED_WORDS_H_

#include <string_view>

namespace udsrpc::generator {

// True where `word` can name no member function: a keyword of C++20 or C++26 or of GNU C++, another spelling of an
// operator, or a macro that the headers of generated code bring with them.
bool IsReservedWord(std::string_view word);

}  // namespace udsrpc::generator

#endif  // UDSRPC_PROTO_GENERATOR_RESERVED_WORDS_H_
