# cmake -DDEPFILE=file -P udsrpc_escape_depfile.cmake: puts a backslash before each space within a path.
#
# protoc (3.21) writes paths to its --dependency_out as they are, one a line, so that Ninja and Make would read
# "/my files/a.proto" as two files, neither of which exists, and generate at every build.

file(READ "${DEPFILE}" text)
string(REPLACE "\\\n" "\n" text "${text}")
# Where a protoc does escape them.
string(REPLACE "\\ " " " text "${text}")
# "outputs: first input" to a line each.
string(REPLACE ": " ":\n" text "${text}")
string(REGEX REPLACE " *\n *" "\n" text "${text}")
string(REPLACE " " "\\ " text "${text}")
string(REPLACE "\n" " \\\n " text "${text}")
file(WRITE "${DEPFILE}" "${text}\n")
