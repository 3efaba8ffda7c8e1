# CPU units: every model x padded dimension x precision x ISA is a few generated lines around kernels/unit_cpu.c.
set(ENSGRAD_UNITS "" CACHE STRING "units to build, e.g. quadratic:2;linear_regression:4,12; empty: all")
set(ensgrad_units "ornstein_uhlenbeck:1;geometric_brownian_motion:1;double_well:1;sample_quadratic:1;sample_sine:1;quadratic:1,2,4,8,16;linear_regression:1,2,4,6,8,12,16;linear_regression_gaussian:1,2,4,8,16;mean_field_linear:1,2,4,8,12,16;logistic_regression:2,8,16;softmax_regression:4,12;fractional_brownian_motion:1;scaled_brownian_motion:1;continuous_time_random_walk:1;levy_walk:1;annealed_transit_time:1;phase_retrieval:2,4,8;matrix_factorisation:4,8;diagonal_linear_network:4,8;deep_linear_network:8;linear_network:8;matrix_sensing:8;mean_field_bilinear:2;escape_double_well:1;escape_cubic:1")
set(team_models linear_regression logistic_regression softmax_regression) # also built in team form, for any dimension
if(ENSGRAD_UNITS)
  set(ensgrad_units "${ENSGRAD_UNITS}") # fewer units for builds with sanitizers
endif()
# What is linked in: double state with float-made increments and the common steppers of kernels/steppers/list.h. The rest is
# compiled at first use (src/model/compiled_units.c), or linked as well with ENSGRAD_AHEAD=all, which takes four times as long.
set(ENSGRAD_AHEAD common CACHE STRING "kernels that are linked in: common, all")
set_property(CACHE ENSGRAD_AHEAD PROPERTY STRINGS common all)
# precision: name, type of the state, type of an increment
if(ENSGRAD_AHEAD STREQUAL "all")
  set(ensgrad_precisions "f64:double:float;f64w:double:double;f32:float:float")
  set(team_precisions f64:double f32:float)
  set(common_line "")
elseif(ENSGRAD_AHEAD STREQUAL "common")
  set(ensgrad_precisions "f64:double:float")
  set(team_precisions f64:double)
  set(common_line "#define EG_COMMON_STEPPERS\n")
else()
  message(FATAL_ERROR "ENSGRAD_AHEAD is '${ENSGRAD_AHEAD}'; allowed: common, all")
endif()

# Loops at the start of a cache line: 1 to 2 % of the short loops of 512-bit operations, on a Zen 5.
set(isa_flags_v3 -march=x86-64-v3)
set(isa_flags_v4 -march=x86-64-v4 -mprefer-vector-width=512 -falign-functions=64 -falign-loops=64)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(ensgrad_isas v3 v4)
else()
  set(ensgrad_isas base)
  set(isa_flags_base "")
endif()

# Bits do not depend on these: contraction is off, nothing reorders sums. -fno-math-errno lets sqrt be a vector
# instruction, -fno-tree-pre keeps gcc 12 from peeling the lane loop where a model says c ? a : b.
set(kernel_flags ${ENSGRAD_KERNEL_OPT} -ffp-contract=off -fno-math-errno -fno-trapping-math -fopenmp-simd)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND kernel_flags -fno-tree-pre -Wno-maybe-uninitialized)
  list(APPEND kernel_flags -fno-var-tracking) # same code; places of variables in debug information took half of the time
else()
  list(APPEND kernel_flags -Wno-pass-failed)
endif()

# The run-time compiler gets the same flags.
function(quoted_list name) # further arguments: flags
  list(TRANSFORM ARGN PREPEND "\"")
  list(TRANSFORM ARGN APPEND "\"")
  list(JOIN ARGN ", " text)
  set(${name} "${text}" PARENT_SCOPE)
endfunction()
set(flags_at_run_time ${kernel_flags} -w)
list(REMOVE_ITEM flags_at_run_time ${ENSGRAD_KERNEL_OPT})
if(ENSGRAD_SANITIZE AND ENSGRAD_SANITIZE_KERNELS)
  list(APPEND flags_at_run_time -fsanitize=${ENSGRAD_SANITIZE} -fno-sanitize-recover=all)
endif()
quoted_list(kernel_flags_text ${flags_at_run_time})
quoted_list(v3_text ${isa_flags_v3})
quoted_list(v4_text ${isa_flags_v4})
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/kernel_flags.h CONTENT
     "#define EG_KERNEL_OPT \"${ENSGRAD_KERNEL_OPT}\"\n#define EG_KERNEL_FLAGS ${kernel_flags_text}\n#define EG_ISA_FLAGS_V3 ${v3_text}\n#define EG_ISA_FLAGS_V4 ${v4_text}\n" @ONLY)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND kernel_flags -g1) # lines for profilers and debuggers; more of it would take a tenth of the time
endif()

# The fills are long straight lines of vector code that must share 32 registers and four pipes: gcc orders them better when
# it also schedules before it allocates registers (measured: normals 6 %, two-point 18 % faster).
set(fill_flags "")
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  set(fill_flags -fschedule-insns -fsched-pressure)
endif()

set(free_models quadratic linear_regression linear_regression_gaussian mean_field_linear logistic_regression softmax_regression phase_retrieval
    matrix_factorisation diagonal_linear_network) # models of any dimension
set(scalar_models softmax_regression) # no vector loops to make: -O1 takes half of the time, and the bits are the same
set(generated ${CMAKE_BINARY_DIR}/generated)
set(unit_list "")
set(model_list "")
set(ensgrad_describe_sources "")
foreach(isa ${ensgrad_isas})
  set(sources_${isa} "")
  foreach(driver fill_cpu stats_cpu paths_cpu streams_cpu)
    set(file ${generated}/${driver}_${isa}.c)
    file(CONFIGURE OUTPUT ${file} CONTENT "#define EG_ISA ${isa}\n#include \"${driver}.c\"\n" @ONLY)
    list(APPEND sources_${isa} ${file})
  endforeach()
endforeach()
foreach(unit ${ensgrad_units})
  string(REGEX REPLACE ":.*" "" model ${unit})
  string(REGEX REPLACE ".*:" "" dims ${unit})
  string(REPLACE "," ";" dims ${dims})
  string(APPEND model_list "X(${model})\n")
  set(file ${generated}/describe_${model}.c)
  set(dim_line "#define EG_DIM 2\n") # a model with a free dimension is described for dimension 2
  if(NOT model IN_LIST free_models)
    set(dim_line "")
  endif()
  file(CONFIGURE OUTPUT ${file} CONTENT
       "${dim_line}#define EG_MODEL_FILE \"models/${model}.h\"\n#define EG_MODEL_SYMBOL eg_model_info_${model}\n#include \"model/describe.inc\"\n"
       @ONLY)
  list(APPEND ensgrad_describe_sources ${file})
  foreach(dim ${dims})
    foreach(precision ${ensgrad_precisions})
      string(REPLACE ":" ";" parts ${precision})
      list(GET parts 0 name)
      list(GET parts 1 state)
      list(GET parts 2 noise)
      foreach(isa ${ensgrad_isas})
        set(symbol eg_unit_${model}_${dim}_${name}_${isa})
        set(dim_line "#define EG_DIM ${dim}\n")
        if(NOT model IN_LIST free_models)
          set(dim_line "") # the model fixes its dimension
        endif()
        file(CONFIGURE OUTPUT ${generated}/${symbol}.c CONTENT
             "${dim_line}${common_line}#define EG_REAL ${state}\n#define EG_NOISE_REAL ${noise}\n#define EG_MODEL_FILE \"models/${model}.h\"\n#define EG_UNIT_SYMBOL ${symbol}\n#define EG_ISA_NAME \"${isa}\"\n#include \"unit_cpu.c\"\n"
             @ONLY)
        list(APPEND sources_${isa} ${generated}/${symbol}.c)
        if(model IN_LIST scalar_models)
          set_source_files_properties(${generated}/${symbol}.c PROPERTIES COMPILE_OPTIONS -O1)
        endif()
        string(APPEND unit_list "X(${symbol})\n")
      endforeach()
    endforeach()
  endforeach()
endforeach()
foreach(model ${team_models})
  if(NOT model_list MATCHES "X\\(${model}\\)")
    continue()
  endif()
  foreach(precision ${team_precisions})
    string(REPLACE ":" ";" parts ${precision})
    list(GET parts 0 name)
    list(GET parts 1 state)
    foreach(isa ${ensgrad_isas})
      set(symbol eg_unit_${model}_team_${name}_${isa})
      file(CONFIGURE OUTPUT ${generated}/${symbol}.c CONTENT
           "#define EG_TEAM\n#define EG_REAL ${state}\n#define EG_MODEL_FILE \"models/${model}.h\"\n#define EG_UNIT_SYMBOL ${symbol}\n#define EG_ISA_NAME \"${isa}\"\n#include \"unit_team_cpu.c\"\n"
           @ONLY)
      list(APPEND sources_${isa} ${generated}/${symbol}.c)
      string(APPEND unit_list "X(${symbol})\n")
    endforeach()
  endforeach()
endforeach()
file(CONFIGURE OUTPUT ${generated}/unit_list.h CONTENT "${unit_list}" @ONLY)
file(CONFIGURE OUTPUT ${generated}/model_list.h CONTENT "${model_list}" @ONLY)

set(ensgrad_kernel_objects "")
foreach(isa ${ensgrad_isas})
  add_library(eg_kernels_${isa} OBJECT ${sources_${isa}})
  target_link_libraries(eg_kernels_${isa} PRIVATE ${kernel_interface})
  target_compile_options(eg_kernels_${isa} PRIVATE ${kernel_flags} ${isa_flags_${isa}})
  set_target_properties(eg_kernels_${isa} PROPERTIES POSITION_INDEPENDENT_CODE ON) # for the shared library
  set_source_files_properties(${generated}/fill_cpu_${isa}.c PROPERTIES COMPILE_OPTIONS "${fill_flags}")
  list(APPEND ensgrad_kernel_objects $<TARGET_OBJECTS:eg_kernels_${isa}>)
endforeach()
